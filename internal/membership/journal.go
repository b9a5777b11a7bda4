package membership

import (
	"context"
	"slices"
	"sync"
	"time"

	"lsapi"
)

// journal writes the record of a pool under one lease, with what the record says. That is
// known only as long as the lease is held.
type journal struct {
	*shared
	renewing sync.Mutex // guards lease while calls are under way
	lease    lsapi.Lease
	recorded *recordedMembers
	failure  error // of the record: then the round must end
}

// renew allows an attempt to call AWS that ends before the lease does.
func (j *journal) renew(ctx context.Context) (until time.Time, err error) {
	j.renewing.Lock()
	defer j.renewing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	lease, err := j.record.Renew(ctx, j.lease)
	if err != nil {
		return time.Time{}, errUnrecorded(err)
	}
	j.lease = lease
	return lease.Until, nil
}

// release releases the lease. If that fails, the lease expires.
func (j *journal) release() {
	ctx, cancel := j.recording(0)
	defer cancel()
	if err := j.record.Release(ctx, j.lease); err != nil {
		j.log.Warn("the lease of a load balancer could not be given back", "pool", j.lease.Pool, "error", err)
	}
}

// append writes the batch and gives its answers. If it fails, no answer is given, and the
// round must end: its members may run ahead of the record.
func (j *journal) append(b *recordBatch) error {
	if j.failure == nil {
		j.failure = j.appendOnce(b)
	}
	return j.failure
}

// appendOnce is append for a caller that deals with its failure.
func (j *journal) appendOnce(b *recordBatch) error {
	if len(b.events) > 0 {
		if err := j.write(b.events); err != nil {
			return err
		}
	}
	for _, a := range b.answers {
		a.give()
	}
	*b = recordBatch{}
	return nil
}

func (j *journal) write(events []lsapi.Event) error {
	ctx, cancel := j.recording(len(events))
	defer cancel()
	j.recorded.addLook(events)
	end, err := j.record.Append(ctx, j.lease, events)
	if err != nil {
		return err
	}
	before, pool := j.lease.ChainEnd, j.lease.Pool
	j.lease.ChainEnd, j.recorded.end = end, end
	j.recorded.note(events)
	j.count(events)
	if slices.ContainsFunc(events, func(e lsapi.Event) bool { return e.Kind != lsapi.EventHealth }) {
		j.inbox.Forget(pool)
	} else {
		j.inbox.Advance(pool, before, end)
	}
	return nil
}

// count counts the outcomes and the verdicts of guards that are on record.
func (j *journal) count(events []lsapi.Event) {
	for _, e := range events {
		if g := e.Change.Guard; g != nil && (g.Overridden == (e.Kind == lsapi.EventIntended)) {
			j.metrics.Guard(kindOf(g.Rule), g.Overridden)
		}
		if e.Kind == lsapi.EventCompleted || e.Kind == lsapi.EventResolved {
			j.metrics.Change(string(e.Change.Action), string(e.Change.Outcome))
		}
	}
}
