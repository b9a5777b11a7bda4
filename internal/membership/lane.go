package membership

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"lsapi"
	"lsapi/internal/observe"
)

// lane is the only writer of one pool. It ends when it has no requests, no open changes,
// and no read can miss its changes any more.
type lane struct {
	*shared
	pool  lsapi.PoolID
	queue queue
	wake  chan struct{} // holds one signal

	isDue   atomic.Bool // a round is due even without work: it reads the record, if only for the overlay
	hasRead atomic.Bool // a job has read the record

	// What follows is the goroutine's own.
	open openChanges
	last *recordedMembers // of the last round; it holds if the next lease's log ends there
}

func newLane(s *shared, pool lsapi.PoolID) *lane {
	return &lane{shared: s, pool: pool, queue: queue{shared: s, pool: pool}, wake: make(chan struct{}, 1)}
}

// signal makes the lane look for work.
func (l *lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// takeSignal takes the signal; false if there is none.
func (l *lane) takeSignal() bool {
	select {
	case <-l.wake:
		return true
	default:
		return false
	}
}

// demandRound makes the lane begin a round, which reads the record unless the lane still
// holds what the record has.
func (l *lane) demandRound() {
	l.isDue.Store(true)
	l.signal()
}

// run works until there is nothing to do.
func (l *lane) run() {
	for {
		next, wait, more := l.next()
		switch {
		case !more:
			return
		case wait > 0:
			l.sleep(wait, l.wake)
		default:
			l.do(next)
		}
	}
}

// job is what a lane does next, under one lease. An empty job looks at the open changes.
type job struct {
	batch     []*caller
	withdrawn []withdrawal
	found     observe.Pending
}

// next returns the next job, or the time until one is due. Without more, the lane may end.
func (l *lane) next() (next job, wait time.Duration, more bool) {
	now := time.Now()
	if l.isCutOff() {
		l.abandon()
		return job{}, 0, false
	}
	next = job{batch: l.queue.take(l.open.changes), found: l.inbox.Take(l.pool)}
	due := len(next.batch) > 0 || !l.isClosing() && (l.isDue.Swap(false) || !next.found.IsEmpty())
	withdrawn := l.queue.hasWithdrawn()
	switch {
	case due || withdrawn && (l.isClosing() || !now.Before(l.open.nextTry)):
		next.withdrawn = l.queue.takeWithdrawn()
		return next, 0, true
	case !l.open.isEmpty():
		return job{}, l.open.nextLook.Sub(now), true
	case withdrawn:
		return job{}, l.open.nextTry.Sub(now), true
	case l.isClosing() || !l.overlay.Holds(l.pool):
		return job{}, 0, false
	}
	return job{}, l.overlay.Keep(), true
}

// do carries out a job under one lease.
func (l *lane) do(next job) {
	r, err := l.begin(next)
	if err != nil {
		l.inbox.BackOff(err)
		l.queue.keepWithdrawn(next.withdrawn)
		l.queue.reject(next.batch, err)
		l.open.lookLater()
		return
	}
	defer l.end(r)
	if len(next.batch) == 0 {
		next.batch = l.queue.take(l.open.changes) // requests that arrived meanwhile go first
	}
	next.batch = l.deferHeld(next.batch)
	r.recordWithdrawn(next.withdrawn)
	var first recordBatch
	if len(next.batch) > 0 || !l.open.isEmpty() {
		r.carryOut(next.batch, &first)
	} else {
		r.reportAll(next.found.Members, &first)
	}
	if err := r.journal.append(&first); err != nil && len(first.events) > 0 { // no caller waits for what is left in it
		l.log.Warn("what happened could not be recorded", "pool", l.pool, "events", len(first.events), "error", err)
		l.queue.keepWithdrawn(first.withdrawn)
		l.open.lookLater()
	}
	r.recordHealth(next.found.Health)
}

// begin acquires the lease of a round. The round has the members of the last one if the
// log still ends there, else those of the record. It ends when all callers have left, and
// when the Service closes if nothing depends on it.
func (l *lane) begin(next job) (*round, error) {
	ctx, cancel := l.calling()
	defer cancel()
	defer whenAllHaveLeft(next.batch, cancel)()
	if len(next.batch)+len(next.withdrawn) == 0 && l.open.isEmpty() {
		defer context.AfterFunc(l.stopping, cancel)()
	}
	lease, err := l.record.Acquire(ctx, l.pool)
	if err != nil {
		return nil, err
	}
	r := &round{shared: l.shared, pool: l.pool, queue: &l.queue, open: &l.open, journal: &journal{shared: l.shared, lease: lease}}
	last := l.last
	l.last = nil // it may run ahead of the record, until the round has ended well
	if last != nil && last.end == lease.ChainEnd {
		r.journal.recorded = last
		return r, nil
	}
	if err := r.readRecord(ctx); err != nil {
		r.journal.release()
		return nil, err
	}
	l.hasRead.Store(true)
	return r, nil
}

// end releases the lease, and keeps the round's members for the next one.
func (l *lane) end(r *round) {
	if r.journal.failure == nil {
		l.last = r.journal.recorded
	}
	r.journal.release()
}

// deferHeld puts callers back that an open change holds which was read only now, and
// returns the others.
func (l *lane) deferHeld(batch []*caller) []*caller {
	var deferred []*caller
	held := newHeld(l.open.changes)
	batch = slices.DeleteFunc(batch, func(c *caller) bool {
		if held.holds(c) {
			deferred = append(deferred, c)
			return true
		}
		return false
	})
	l.queue.requeue(deferred)
	return batch
}

// abandon ends a lane that has no time to finish. Open changes stay open in the record,
// for the lane's next owner.
func (l *lane) abandon() {
	failAll(l.queue.takeWaiting(), errClosing())
	if withdrawn := l.queue.takeWithdrawn(); len(withdrawn) > 0 {
		l.queue.warnOfWithdrawn(withdrawn)
	}
	for _, c := range l.open.changes {
		l.logChange(c, l.pool, lsapi.OutcomeUnknown, false)
		c.answer(l.pool, lsapi.OutcomeUnknown)
		failAll(callersOf(c.waiting), errClosing())
	}
	l.open.changes = nil
}
