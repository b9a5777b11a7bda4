package membership

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"lsapi"
)

// recordBatch is what a round writes into the record at once, and the answers that it
// gives when the events are durable. Before that nobody is answered.
type recordBatch struct {
	events    []lsapi.Event
	answers   []pendingAnswer
	withdrawn []*request // those whose end is among the events
}

// pendingAnswer is an answer that is not given yet.
type pendingAnswer struct {
	to     []*request // may be none
	give   func()
	unsent bool // they were not sent to AWS
	again  bool // nor decided, so that they can be tried anew
}

// write adds an event that no caller waits for.
func (b *recordBatch) write(e lsapi.Event) { b.events = append(b.events, e) }

// then adds an answer.
func (b *recordBatch) then(a pendingAnswer) { b.answers = append(b.answers, a) }

// conclude adds the outcome of a request that was not sent to AWS.
func (b *recordBatch) conclude(r *request, o lsapi.Outcome, members *int, err *lsapi.Error) {
	change := r.change()
	change.Outcome, change.Code, change.CompletedAt = o, string(err.Code), time.Now()
	change.MembersBefore, change.MembersAfter = members, members
	b.write(lsapi.Event{Kind: lsapi.EventCompleted, At: change.CompletedAt, Change: change})
	b.then(pendingAnswer{to: []*request{r}, give: func() { r.conclude(err) }, unsent: true})
}

// withdraw adds the requests whose callers have left.
func (b *recordBatch) withdraw(requests []*request) {
	for _, r := range requests {
		change := r.change()
		change.Outcome, change.CompletedAt = lsapi.OutcomeWithdrawn, time.Now()
		b.write(lsapi.Event{Kind: lsapi.EventCompleted, At: change.CompletedAt, Change: change})
	}
	b.withdrawn = append(b.withdrawn, requests...)
}

// fail answers that there is no change, and adds the requests whose callers have
// left.
func (b *recordBatch) fail(requests []*request, err error) {
	for _, r := range requests {
		if !r.refuse(err) {
			b.withdraw([]*request{r})
		}
	}
}

// append writes the batch into the record and gives its answers. If it cannot be
// written, nobody is answered, and the round must end: what it knows of the record
// may have run ahead of it.
func (r *round) append(b *recordBatch) error {
	if r.failure != nil {
		return r.failure
	}
	if err := r.appendOnce(b); err != nil {
		r.failure = err
		return err
	}
	return nil
}

func (r *round) appendOnce(b *recordBatch) error {
	if len(b.events) > 0 {
		ctx, cancel := r.service.recording()
		defer cancel()
		head, err := r.service.record.Append(ctx, r.lease, b.events)
		if err != nil {
			return err
		}
		before := r.lease.Head
		r.lease.Head, r.recorded.head = head, head
		r.recorded.note(b.events)
		if slices.ContainsFunc(b.events, func(e lsapi.Event) bool { return e.Kind != lsapi.EventHealth }) {
			r.service.inbox.Forget(r.loadBalancer)
		} else {
			r.service.inbox.Advance(r.loadBalancer, before, head)
		}
	}
	for _, a := range b.answers {
		a.give()
	}
	*b = recordBatch{}
	return nil
}

// refuse answers that nothing was changed, because it could not have been recorded.
// The callers who have left have been told that their ends are on record.
func (r *round) refuse(b *recordBatch, err error) {
	for _, a := range b.answers {
		r.turnAway(a.to, err)
	}
	r.keepWithdrawn(b.withdrawn)
	*b = recordBatch{}
}

// lose answers that the outcomes could not be recorded. Their intents are on
// record, so that they will be settled under the next lease.
func (r *round) lose(b *recordBatch, err error) {
	r.service.log.Warn("outcomes could not be recorded", slog.Int("events", len(b.events)), slog.Any("error", err))
	for _, a := range b.answers {
		switch {
		case a.again:
			r.again(a.to)
		case a.unsent:
			r.turnAway(a.to, err)
		default:
			for _, to := range a.to {
				to.conclude(errUnsettled(to, err))
			}
		}
	}
	r.keepWithdrawn(b.withdrawn)
}

// recordWithdrawn records the ends of requests that were withdrawn, apart from all
// else: nobody waits for them, and one that the record refuses holds nobody up.
func (r *round) recordWithdrawn(requests []*request) {
	for some := range slices.Chunk(requests, maxBatch) {
		var ends recordBatch
		ends.withdraw(some)
		err := r.appendOnce(&ends)
		switch {
		case err == nil:
			r.dropOpen(some)
		case lsapi.IsTransient(err) || errors.Is(err, lsapi.ErrLeaseLost):
			r.keepWithdrawn(some)
			r.lookLater()
		case len(some) == 1:
			r.warnOfWithdrawn(1)
		default:
			for _, one := range some {
				r.recordWithdrawn([]*request{one})
			}
		}
	}
}

// dropOpen forgets open changes whose intents were kept although that was not known,
// and which have ended as withdrawn.
func (r *round) dropOpen(withdrawn []*request) {
	r.open = slices.DeleteFunc(r.open, func(c *change) bool {
		return slices.ContainsFunc(withdrawn, func(w *request) bool { return w.ChangeID == c.recorded.ID })
	})
}

// persist appends what AWS has answered already, however long the record is
// away: the intents stand there, and their outcomes must follow. Callers wait for
// as long as they like; new ones are refused, for nothing can be recorded for them.
// It gives up when the lease is lost, for then somebody else has the changes, when
// the record contradicts them, and when the Service is closed by force.
func (r *round) persist(b *recordBatch) error {
	var warned bool
	for pause := firstRecordPause; ; pause = min(2*pause, maxRecordPause) {
		err := r.appendOnce(b)
		if !lsapi.IsTransient(err) || r.service.base.Err() != nil { // nothing failed, or it does for good
			r.failure = err
			return err
		}
		if !warned {
			r.service.log.Error("outcomes cannot be recorded; trying again until they are",
				slog.String("load_balancer", r.loadBalancer), slog.Any("error", err))
			warned = true
		}
		r.refuseWaiting(err)
		r.pauseFor(pause)
	}
}

// refuseWaiting empties the queue.
func (l *lane) refuseWaiting(err error) {
	l.service.mu.Lock()
	queue := l.queue
	l.queue = nil
	l.service.mu.Unlock()
	l.turnAway(queue, err)
}

// pauseFor waits whatever comes, but not longer than the Service lives.
func (l *lane) pauseFor(pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.service.base.Done():
	}
}
