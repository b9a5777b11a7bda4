package membership

import (
	"slices"
	"sync"

	"lsapi"
)

// queue has the callers of a lane that no round has taken, and those withdrawn or rejected
// requests that are not on record yet. It is safe for concurrent use.
type queue struct {
	*shared
	pool lsapi.PoolID

	mu        sync.Mutex
	waiting   []*caller    // in arrival order
	withdrawn []withdrawal // with waiting at most maxWaiting
}

// push adds a caller. CodeThrottled: the queue is full.
func (q *queue) push(c *caller) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting)+len(q.withdrawn) >= maxWaiting {
		return errFull("too many changes of " + q.pool.Title() + " are waiting")
	}
	q.waiting = append(q.waiting, c)
	return nil
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// take removes the callers of the next round: as many as share it. Those of members with an
// open change wait.
func (q *queue) take(open []*change) []*caller {
	q.mu.Lock()
	defer q.mu.Unlock()
	held := newHeld(open)
	var next batch
	var rest []*caller
	for i, c := range q.waiting {
		switch {
		case c.isWithdrawn():
			q.withdraw(c)
		case held.holds(c):
			rest = append(rest, c)
		case next.admits(c):
			next.add(c)
		default:
			q.waiting = append(rest, q.waiting[i:]...)
			return next.callers
		}
	}
	q.waiting = rest
	return next.callers
}

// withdraw keeps the requests of a caller that has left. The caller of withdraw holds mu.
func (q *queue) withdraw(c *caller) {
	if w := c.withdrawal(); len(w) > 0 {
		q.withdrawn = append(q.withdrawn, w)
	}
}

// takeWithdrawn removes the withdrawn requests.
func (q *queue) takeWithdrawn() []withdrawal {
	q.mu.Lock()
	defer q.mu.Unlock()
	withdrawn := q.withdrawn
	q.withdrawn = nil
	return withdrawn
}

func (q *queue) hasWithdrawn() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.withdrawn) > 0
}

// keepWithdrawn puts withdrawn requests back that could not be recorded. A Service that
// is closing gives them up: the record of a standby may stay away.
func (q *queue) keepWithdrawn(withdrawn []withdrawal) {
	if len(withdrawn) == 0 {
		return
	}
	if q.isClosing() {
		q.warnOfWithdrawn(withdrawn)
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.withdrawn = slices.Concat(withdrawn, q.withdrawn)
}

func (q *queue) warnOfWithdrawn(withdrawn []withdrawal) {
	q.log.Warn("withdrawn changes could not be recorded", "pool", q.pool, "changes", len(slices.Concat(withdrawn...)))
}

// requeue puts callers back to the head of the queue.
func (q *queue) requeue(callers []*caller) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.Concat(callers, q.waiting)
}

// reject answers that nothing was sent because it could not be recorded, and keeps the
// requests whose callers have left.
func (q *queue) reject(callers []*caller, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range callers {
		if !c.refuse(errUnrecorded(err)) {
			q.withdraw(c)
		}
	}
}

// rejectIntended is reject for the callers of changes whose intents may be on record. It
// keeps these requests, so that they end as failed: what is read later may look like their
// effect.
func (q *queue) rejectIntended(intended []withdrawal, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, w := range intended {
		w[0].caller.rejected = w[0].caller.refuse(errUnrecorded(err))
	}
	q.withdrawn = slices.Concat(intended, q.withdrawn)
}

// rejectWaiting rejects all that wait.
func (q *queue) rejectWaiting(err error) { q.reject(q.takeWaiting(), err) }

// takeWaiting removes all that wait.
func (q *queue) takeWaiting() []*caller {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := q.waiting
	q.waiting = nil
	return waiting
}

// requeueOrReject puts callers back that are undecided, and rejects the others: their
// batch may be on record, and none of it was sent.
func (q *queue) requeueOrReject(callers []*caller) {
	var undecided, decided []*caller
	for _, c := range callers {
		if c.isDecided() {
			decided = append(decided, c)
		} else {
			undecided = append(undecided, c)
		}
	}
	q.requeue(undecided)
	q.reject(decided, lsapi.Errorf(lsapi.CodeUnavailable, "another process has changed %s meanwhile", q.pool.Title()))
}
