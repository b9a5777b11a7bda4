// Package seed writes a long record of changes, as years of use would leave it. It uses
// the package record, not the service: a million requests would take longer than the rest
// of the benchmark.
package seed

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/open"
)

// The shape of a record.
const (
	LoadBalancers = 20
	Actors        = 7
	// Members is the largest number of members of each load balancer: all are attached,
	// and then all detached.
	Members = 1000
	// Span is the age of the oldest change.
	Span = 30 * 24 * time.Hour

	round   = 100  // changes of one batch
	refused = 1000 // AWS refuses one change in so many
)

// Instance returns the id of an instance.
func Instance(n int) string { return fmt.Sprintf("i-%017x", n) }

// Actor returns the name of an actor.
func Actor(n int) string { return fmt.Sprintf("actor-%d", n) }

// Record writes a number of changes, the last of them about now, into the new record at a
// URL. name returns the names of load balancers.
func Record(ctx context.Context, url string, changes int, name func(n int) string) (err error) {
	record, err := open.URL(ctx, url, record.Options{})
	if err != nil {
		return err
	}
	defer func() {
		if closing := record.Close(context.WithoutCancel(ctx)); err == nil {
			err = closing
		}
	}()
	began := time.Now().Add(-Span)
	var all errgroup.Group
	for n := range LoadBalancers {
		all.Go(func() error {
			h := history{
				record: record, loadBalancer: name(n + 1), number: n,
				began: began.Add(time.Duration(n) * time.Millisecond), step: Span * LoadBalancers / time.Duration(changes),
			}
			return h.write(ctx, changes/LoadBalancers)
		})
	}
	return all.Wait()
}

// history is the history of one load balancer.
type history struct {
	record       record.Store
	loadBalancer string
	number       int
	began        time.Time
	step         time.Duration // from one change to the next
}

func (h *history) write(ctx context.Context, changes int) error {
	lease, err := h.record.Acquire(ctx, lsapi.ELB(h.loadBalancer))
	if err != nil {
		return err
	}
	first := lsapi.Event{Kind: lsapi.EventCheckpoint, At: h.began, Until: h.began}
	if _, err := h.record.Append(ctx, lease, []lsapi.Event{first}); err != nil {
		return err
	}
	for from := 0; from < changes; from += round {
		intents, outcomes := h.round(from, min(from+round, changes))
		if _, err := h.record.Append(ctx, lease, intents); err != nil {
			return err
		}
		if _, err := h.record.Append(ctx, lease, outcomes); err != nil {
			return err
		}
	}
	return h.record.Release(ctx, lease)
}

// round returns the events of one batch.
func (h *history) round(from, to int) (intents, outcomes []lsapi.Event) {
	at := h.began.Add(time.Duration(to) * h.step)
	for n := from; n < to; n++ {
		c := h.change(n)
		intents = append(intents, lsapi.Event{Kind: lsapi.EventIntended, At: at, Change: c})
		c.Outcome, c.AWSRequestID, c.MembersAfter = lsapi.OutcomeApplied, uuid.NewString(), new(n%Members)
		if n%refused == refused-1 {
			c.Outcome, c.Code = lsapi.OutcomeRefused, "InvalidInstance"
		}
		outcomes = append(outcomes, lsapi.Event{Kind: lsapi.EventCompleted, At: at.Add(time.Millisecond), Change: c})
	}
	return intents, outcomes
}

func (h *history) change(n int) lsapi.Change {
	at := h.began.Add(time.Duration(n) * h.step)
	instance := Instance(h.number*Members + n%Members)
	return lsapi.Change{
		ID: idAt(at), Actor: Actor(n % Actors), Pool: lsapi.ELB(h.loadBalancer), Member: lsapi.InstanceMember(instance),
		Action: []lsapi.Action{lsapi.Attach, lsapi.Detach}[n/Members%2],
		Reason: "deploy", RequestID: uuid.NewString(), Deadline: at.Add(10 * time.Second), MembersBefore: new(n % Members),
		Instance: lsapi.Instance{ID: instance, Type: "t2.micro", LaunchTime: h.began.Add(-time.Hour), State: lsapi.StateRunning},
	}
}

// idAt returns a new id of a change that was asked for then: a UUID of version 7.
func idAt(at time.Time) string {
	id := uuid.New()
	var millis [8]byte
	binary.BigEndian.PutUint64(millis[:], uint64(at.UnixMilli()))
	copy(id[:6], millis[2:])
	id[6] = 7<<4 | id[6]&0x0f
	return id.String()
}
