package record_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"lsapi"
	"lsapi/internal/record"
)

// noon is when the tests' histories begin.
var noon = time.Date(2025, 11, 2, 12, 0, 0, 0, time.UTC)

// lane writes the record of one load balancer, on a clock of its own.
type lane struct {
	t     testing.TB
	s     record.Store
	lease lsapi.Lease
	now   time.Time
}

func newLane(t testing.TB, s record.Store, pool lsapi.PoolID) *lane {
	t.Helper()
	lease, err := s.Acquire(t.Context(), pool)
	if err != nil {
		t.Fatalf("take the lease of %s: %v", pool, err)
	}
	return &lane{t: t, s: s, lease: lease, now: noon}
}

// after moves the clock on.
func (l *lane) after(d time.Duration) *lane {
	l.now = l.now.Add(d)
	return l
}

func (l *lane) append(events ...lsapi.Event) {
	l.t.Helper()
	if _, err := l.s.Append(l.t.Context(), l.lease, events); err != nil {
		l.t.Fatalf("append: %v", err)
	}
}

// know begins the record of the membership.
func (l *lane) know(members ...lsapi.MemberID) {
	l.t.Helper()
	l.append(lsapi.Event{Kind: lsapi.EventCheckpoint, At: l.now, Until: l.now, Members: members})
}

// change is a change that is asked for now.
func (l *lane) change(action lsapi.Action, member lsapi.MemberID) lsapi.Change {
	return lsapi.Change{
		ID: idAt(l.now), Actor: "alice", Action: action, Pool: l.lease.Pool, Member: member,
		Reason: "deploy", RequestID: "r-1", Deadline: l.now.Add(10 * time.Second), MembersBefore: new(3),
		Instance: lsapi.Instance{ID: member.Instance, Type: "t2.micro", LaunchTime: noon.Add(-time.Hour), State: lsapi.StateRunning},
	}
}

// intend records the intent of a change.
func (l *lane) intend(c lsapi.Change) lsapi.Change {
	l.t.Helper()
	l.append(lsapi.Event{Kind: lsapi.EventIntended, At: l.now, Change: c})
	return c
}

// complete records the outcome of a change.
func (l *lane) complete(c lsapi.Change, outcome lsapi.Outcome) lsapi.Change {
	l.t.Helper()
	c.Outcome, c.AWSRequestID, c.MembersAfter = outcome, "aws-1", new(4)
	l.append(lsapi.Event{Kind: lsapi.EventCompleted, At: l.now, Change: c})
	return c
}

// do makes a change that is applied a second later.
func (l *lane) do(action lsapi.Action, member lsapi.MemberID) lsapi.Change {
	l.t.Helper()
	c := l.intend(l.change(action, member))
	l.after(time.Second)
	return l.complete(c, lsapi.OutcomeApplied)
}

func (l *lane) state() lsapi.LaneState {
	l.t.Helper()
	state, err := l.s.LaneState(l.t.Context(), l.lease.Pool, time.Hour)
	if err != nil {
		l.t.Fatalf("lane state: %v", err)
	}
	return state
}

// idAt makes the id of a change that was asked for at a time.
func idAt(at time.Time) string {
	id := uuid.Must(uuid.NewV7())
	ms := at.UnixMilli()
	for i := 5; i >= 0; i-- {
		id[i] = byte(ms)
		ms >>= 8
	}
	return id.String()
}

// membersAt returns the ids of the members of "web" at a time.
func membersAt(t testing.TB, s record.Store, at time.Time) []lsapi.MemberID {
	t.Helper()
	found, err := s.MembersAt(t.Context(), lsapi.ELB("web"), at)
	if err != nil {
		t.Fatalf("members at %v: %v", at, err)
	}
	return ids(found)
}

func ids(found lsapi.MembershipAt) []lsapi.MemberID {
	ids := make([]lsapi.MemberID, len(found.Members))
	for i, m := range found.Members {
		ids[i] = m.Member
	}
	return ids
}

func chainEnds(t testing.TB, s record.Store) []lsapi.ChainEnd {
	t.Helper()
	noted, err := s.ChainEnds(t.Context())
	if err != nil {
		t.Fatalf("chain ends: %v", err)
	}
	return noted
}

func verify(t testing.TB, s record.Store, noted ...lsapi.ChainEnd) record.Verification {
	t.Helper()
	found, err := s.Verify(t.Context(), noted)
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	return found
}

func wantWhole(t testing.TB, s record.Store, noted ...lsapi.ChainEnd) record.Verification {
	t.Helper()
	found := verify(t, s, noted...)
	if found.Breach != nil {
		t.Fatalf("the record is broken: %+v", *found.Breach)
	}
	return found
}

func wantCode(t testing.TB, err error, want lsapi.Code) {
	t.Helper()
	if got := lsapi.ErrorCode(err); got != want {
		t.Errorf("got code %q (%v), want %q", got, err, want)
	}
}

func wantIDs(t testing.TB, got []lsapi.Change, want ...string) {
	t.Helper()
	ids := make([]string, len(got))
	for i, c := range got {
		ids[i] = c.ID
	}
	if !slices.Equal(ids, want) {
		t.Errorf("got the changes %v, want %v", ids, want)
	}
}

func wantEqual[T comparable](t testing.TB, got []T, want ...T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
