package web_test

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"lsapi"
	"lsapi/internal/events"
	"lsapi/internal/web"
	v1 "lsapi/internal/web/v1"
)

// epoch is the time of the first change of a fake record.
var epoch = time.Date(2026, time.November, 24, 18, 0, 0, 0, time.UTC)

// records is a v1.Record that holds its changes in memory, oldest first.
type records struct {
	changes []lsapi.Change
	asked   atomic.Int32
	ahead   time.Duration // of the labels' clock
	// fail, when it is set, is asked before anything else, with the number of the
	// question, counted from 1.
	fail func(ctx context.Context, question int) error
}

func (r *records) Change(ctx context.Context, id string) (lsapi.Change, error) {
	if err := r.failure(ctx); err != nil {
		return lsapi.Change{}, err
	}
	for _, c := range r.changes {
		if c.ID == id {
			return c, nil
		}
	}
	return lsapi.Change{}, lsapi.Errorf(lsapi.CodeNotFound, "there is no change %s", id)
}

func (r *records) Changes(ctx context.Context, f lsapi.ChangeFilter) ([]lsapi.Change, error) {
	if err := r.failure(ctx); err != nil {
		return nil, err
	}
	if f.Limit < 1 || !utf8.ValidString(f.Actor) || strings.Contains(f.Actor, "\x00") {
		return nil, lsapi.Errorf(lsapi.CodeInternal, "a database would refuse %+v", f)
	}
	var found []lsapi.Change
	end := len(r.changes)
	if f.Before != "" {
		end, _ = slices.BinarySearchFunc(r.changes, f.Before, func(c lsapi.Change, id string) int { return strings.Compare(c.ID, id) })
	}
	for _, c := range slices.Backward(r.changes[:end]) {
		if len(found) == f.Limit {
			break
		}
		if matchesFilter(c, f) {
			found = append(found, c)
		}
	}
	return found, nil
}

func matchesFilter(c lsapi.Change, f lsapi.ChangeFilter) bool {
	outcome := c.Outcome
	if outcome == "" {
		outcome = lsapi.OutcomeOpen
	}
	return (f.Pool.IsZero() || f.Pool == c.Pool) &&
		(f.Kind == "" || f.Kind == c.Pool.Kind) &&
		(f.Member.IsZero() || f.Member == c.Member) &&
		(f.Actor == "" || f.Actor == c.Actor) &&
		(f.Action == "" || f.Action == c.Action) &&
		(f.Bulk == "" || f.Bulk == c.Bulk) &&
		(f.Outcome == "" || f.Outcome == outcome) &&
		(f.From.IsZero() || !c.IntendedAt.Before(f.From)) &&
		(f.To.IsZero() || c.IntendedAt.Before(f.To))
}

func (r *records) MembersAt(ctx context.Context, pool lsapi.PoolID, at time.Time) (lsapi.MembershipAt, error) {
	if err := r.failure(ctx); err != nil {
		return lsapi.MembershipAt{}, err
	}
	if at.IsZero() {
		at = time.Now().UTC()
	}
	if at.Truncate(time.Millisecond).After(time.Now().Add(r.ahead)) {
		return lsapi.MembershipAt{}, &lsapi.Error{Code: lsapi.CodeInvalid, Err: lsapi.ErrFuture}
	}
	if at.Before(epoch) {
		return lsapi.MembershipAt{}, lsapi.Errorf(lsapi.CodeNotFound, "the record of %s does not reach back to then", pool.Name)
	}
	roster := lsapi.MembershipAt{Pool: pool, At: at}
	for _, c := range r.changes {
		switch {
		case c.Pool != pool || c.Outcome != lsapi.OutcomeApplied:
		case c.Source == lsapi.SourceExternal && c.NotBefore.Before(at) && at.Before(c.IntendedAt):
			roster.Uncertain = append(roster.Uncertain, c)
		case c.IntendedAt.After(at):
		case c.Action == lsapi.Attach:
			roster.Members = append(roster.Members, lsapi.RecordedMember{Member: c.Member, Since: c.IntendedAt, ChangeID: c.ID, Source: c.Source})
		default:
			roster.Members = slices.DeleteFunc(roster.Members, func(m lsapi.RecordedMember) bool { return m.Member == c.Member })
		}
	}
	return roster, nil
}

func (r *records) failure(ctx context.Context) error {
	question := int(r.asked.Add(1))
	if r.fail == nil {
		return nil
	}
	return r.fail(ctx, question)
}

// changeID returns the id of the change with a number, which holds its time.
func changeID(number int, at time.Time) string {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], uint64(at.UnixMilli())<<16)
	binary.BigEndian.PutUint64(id[8:], uint64(number))
	id[6] |= 0x70
	id[8] |= 0x80
	return id.String()
}

// filled returns a record of n changes, one each second, that differ in all that
// they can be filtered by.
func filled(n int) *records {
	r := &records{changes: make([]lsapi.Change, n)}
	outcomes := []lsapi.Outcome{lsapi.OutcomeApplied, lsapi.OutcomeConflict, lsapi.OutcomeRefused, ""}
	for i := range n {
		at := epoch.Add(time.Duration(i) * time.Second)
		r.changes[i] = lsapi.Change{
			ID: changeID(i, at), IntendedAt: at, Source: lsapi.SourceLSAPI, RequestID: "r-1",
			Actor:   []string{"alice", "bob"}[i%2],
			Action:  []lsapi.Action{lsapi.Attach, lsapi.Detach}[i/2%2],
			Pool:    []lsapi.PoolID{lsapi.ELB("default-elb"), lsapi.ELB("old-elb"), lsapi.ELB("empty-elb")}[i%3],
			Member:  []lsapi.MemberID{lsapi.InstanceMember(running), lsapi.InstanceMember(spare)}[i/3%2],
			Outcome: outcomes[i%4],
		}
		if i%6 < 2 {
			r.changes[i].Bulk = changeID(1000+i/6, epoch)
		}
	}
	return r
}

// story is a record with a change of every kind.
func story() *records {
	at := func(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }
	r := &records{changes: []lsapi.Change{
		{
			Actor: "alice", Action: lsapi.Attach, Member: lsapi.InstanceMember(running), Reason: "déploiement <7>", RequestID: "deploy-7", Source: lsapi.SourceLSAPI,
			IntendedAt: at(0), Deadline: at(30), Outcome: lsapi.OutcomeApplied, CompletedAt: at(0).Add(217 * time.Millisecond),
			AWSRequestID: "c6104cbe", MembersBefore: new(0), MembersAfter: new(1), Instance: instance(lsapi.InstanceMember(running)),
		},
		{
			Actor: "bob", Action: lsapi.Attach, Member: lsapi.InstanceMember(gone), RequestID: "deploy-8", Source: lsapi.SourceLSAPI,
			IntendedAt: at(60), Outcome: lsapi.OutcomeRefused, Code: "InvalidInstance", CompletedAt: at(61), MembersBefore: new(1),
		},
		{
			Action: lsapi.Attach, Member: lsapi.InstanceMember(spare), Source: lsapi.SourceExternal, NotBefore: at(118), IntendedAt: at(120),
			Outcome: lsapi.OutcomeApplied, Resolution: lsapi.ResolutionObserved, CompletedAt: at(120), MembersBefore: new(1), MembersAfter: new(2),
		},
		{
			Actor: "alice", Action: lsapi.Detach, Member: lsapi.InstanceMember(running), RequestID: "deploy-9", Source: lsapi.SourceLSAPI, IntendedAt: at(180), Deadline: at(210),
		},
	}}
	for i := range r.changes {
		r.changes[i].Pool = lsapi.ELB("default-elb")
		r.changes[i].ID = changeID(i, r.changes[i].IntendedAt)
	}
	return r
}

// withRecord returns the options of a handler that has the record, and a fleet
// beside it.
func withRecord(r *records) web.Options {
	o := web.Options{Membership: newMemberships(), Authenticator: alice{}, Record: r, Fleet: &fleets{record: r}}
	o.Events, o.Exists = events.New(events.Options{Record: newStory(), Encode: v1.EncodeEvent}), exists
	return o
}

// get asks a handler that has the record.
func get(t *testing.T, r *records, path string) response {
	t.Helper()
	return record(handlerOf(withRecord(r)), "GET", path, "")
}
