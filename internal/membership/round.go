package membership

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"lsapi"
	"lsapi/internal/guard"
)

// view is what a round reads from AWS, all of it after the round's requests arrived.
type view struct {
	began   time.Time
	ended   time.Time // of the read of the members
	read    lsapi.PoolRead
	shown   map[lsapi.MemberID]bool // the members as AWS showed them
	members map[lsapi.MemberID]bool // the same, under the recent changes
	facts   map[string]lsapi.Instance
	// lookedUp has the instances that facts would have, if EC2 has them.
	lookedUp map[string]bool
	rules    []guard.Rule // of the pool
	noRules  error        // why not all of them are known
	err      error
	// isReplaced is whether the pool is another one than that of the record.
	isReplaced bool
}

func (v *view) look() look { return look{v.members, v.read.Incarnation, v.began, v.ended} }

// round is what a lane does under one lease.
type round struct {
	*shared
	pool    lsapi.PoolID
	queue   *queue
	open    *openChanges
	journal *journal
}

// readRecord reads what the record says of changes by other processes, or by this one
// before a crash.
func (r *round) readRecord(ctx context.Context) error {
	state, err := r.record.LaneState(ctx, r.pool, r.overlay.Keep())
	if err != nil {
		return err
	}
	if state.ChainEnd != r.journal.lease.ChainEnd {
		return &lsapi.Error{
			Code: lsapi.CodeUnavailable, Err: lsapi.ErrLeaseLost,
			Message: "the record of " + r.pool.Title() + " was written by another process meanwhile",
		}
	}
	if err := r.overlay.Learn(r.pool, state.Applied); err != nil {
		return err
	}
	r.journal.recorded = recordedMembersOf(state, r.overlay.Window())
	for _, c := range r.open.reconcile(state.Open, r.orphan) {
		if c.maker != nil {
			c.maker.conclude(lsapi.OutcomeUnknown, errElsewhere(c))
		}
		r.queue.requeueOrReject(callersOf(c.waiting))
	}
	return nil
}

// orphan returns an open change without callers: another process sent it, or this one
// before a crash. Its call is never repeated.
func (r *round) orphan(recorded lsapi.Change) *change {
	return &change{
		action: recorded.Action, member: recorded.Member, instance: recorded.Instance, recorded: recorded,
		deadline: recorded.Deadline, trusted: r.trustedFrom(r.pool, recorded.Member), sentAt: recorded.Deadline.Add(-maxChange),
	}
}

// whenAllHaveLeft calls f when all callers have left, until stop is called. Without callers
// it never does.
func whenAllHaveLeft(batch []*caller, f func()) (stop func()) {
	var there atomic.Int64
	there.Store(int64(len(batch)))
	stops := make([]func() bool, len(batch))
	for i, c := range batch {
		stops[i] = context.AfterFunc(c.ctx, func() {
			if there.Add(-1) == 0 {
				f()
			}
		})
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// showWhenRecorded makes changes that took effect by now visible to every read as soon as
// the batch is on record, and before its answers. No read may show them earlier, because a
// later one on another replica would not.
func (r *round) showWhenRecorded(b *recordBatch, changes []*change) {
	now := time.Now()
	b.then(pendingAnswer{give: func() {
		applied := make([]lsapi.AppliedChange, len(changes))
		for i, c := range changes {
			applied[i] = lsapi.AppliedChange{Change: c.recorded, Seq: r.journal.lease.ChainEnd.Seq, At: now}
		}
		r.journal.recorded.changed(changes, now)
		r.overlay.Apply(r.pool, applied)
	}})
}

// complete adds the outcome of a change to the batch. If it took effect, the callers that
// shared it have conflicts; else they are tried anew.
func (r *round) complete(b *recordBatch, c *change, o lsapi.Outcome, inferred bool) {
	recorded := r.journal.recorded
	event := c.complete(o, inferred)
	if o == lsapi.OutcomeApplied {
		recorded.note([]lsapi.Event{event}) // so that the next one in the batch counts it
	}
	event.Change.MembersAfter = recorded.count()
	b.write(event)
	b.then(pendingAnswer{to: c.makers(), give: func() {
		r.logChange(c, r.pool, o, inferred)
		c.answer(r.pool, o)
	}})
	if o == lsapi.OutcomeApplied {
		b.concludeAll(c.waiting, lsapi.OutcomeConflict, recorded.count(), errConflict(c.action, c.member, r.pool))
	} else {
		b.then(pendingAnswer{to: c.waiting, give: func() { r.queue.requeue(callersOf(c.waiting)) }, retry: true})
	}
}

// forget drops the changes before then of a deleted pool: a new one under its name has none
// of them.
func (r *round) forget(before time.Time) {
	r.overlay.Invalidate(r.pool, before)
	r.inbox.Forget(r.pool)
	r.inbox.Deleted(r.pool, before)
}

// persist appends what AWS has answered already, however long the record is unavailable:
// the intents are there, and their outcomes must follow. New requests are rejected
// meanwhile. It gives up when another process has the lease, when the record contradicts
// the outcomes, and when the lanes must end at once.
func (r *round) persist(b *recordBatch) error {
	var warned bool
	for pause := firstRecordPause; ; pause = min(2*pause, maxRecordPause) {
		err := r.journal.appendOnce(b)
		if !lsapi.IsTransient(err) || r.isCutOff() {
			r.journal.failure = err
			return err
		}
		if !warned {
			r.log.Error("outcomes cannot be recorded; trying again until they are",
				slog.String("pool", r.pool.String()), slog.Any("error", err))
			warned = true
		}
		r.queue.rejectWaiting(err)
		r.sleep(pause, nil)
	}
}

// loseOutcomes answers that the outcomes could not be recorded. Their intents are on
// record, so that they are settled under the next lease.
func (r *round) loseOutcomes(b *recordBatch, err error) {
	r.log.Warn("outcomes could not be recorded", slog.Int("events", len(b.events)), slog.Any("error", err))
	for _, a := range b.answers {
		switch {
		case a.retry:
			r.queue.requeue(callersOf(a.to))
		case a.unsent:
			r.queue.reject(callersOf(a.to), err)
		default:
			for _, to := range a.to {
				to.conclude(lsapi.OutcomeUnknown, errUnsettled(to, err))
			}
		}
	}
	r.queue.keepWithdrawn(b.withdrawn)
}

// recordWithdrawn records withdrawn requests, apart from all else: no caller waits for
// them, and one that the record refuses delays no other. Those of a bulk stay together.
func (r *round) recordWithdrawn(withdrawn []withdrawal) {
	for len(withdrawn) > 0 {
		var ends recordBatch
		n := 0
		for ; n < len(withdrawn) && (n == 0 || len(ends.events)+len(withdrawn[n]) <= maxBatch); n++ {
			ends.withdraw(withdrawn[n])
		}
		some := withdrawn[:n]
		withdrawn = withdrawn[n:]
		err := r.journal.appendOnce(&ends)
		switch {
		case err == nil:
			r.open.drop(some)
		case lsapi.IsTransient(err) || errors.Is(err, lsapi.ErrLeaseLost):
			r.queue.keepWithdrawn(some)
			r.open.lookLater()
		case n == 1:
			r.queue.warnOfWithdrawn(some)
		default:
			for i := range some {
				r.recordWithdrawn(some[i : i+1])
			}
		}
	}
}

// isTerminated reports whether the member's instance was looked up, and is terminated.
func (v *view) isTerminated(member lsapi.MemberID) bool {
	return v.lookedUp[member.Instance] && v.facts[member.Instance].IsTerminated()
}
