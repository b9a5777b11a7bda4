package membership

import (
	"slices"
	"sync"

	"lsapi"
)

// queue has the requests of a lane that no round has taken, and those withdrawn or rejected
// ones that are not on record yet. It is safe for concurrent use.
type queue struct {
	*shared
	pool lsapi.PoolID

	mu        sync.Mutex
	waiting   []*request // in arrival order
	withdrawn []*request // with waiting at most maxWaiting
}

// push adds a request. CodeThrottled: the queue is full.
func (q *queue) push(r *request) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting)+len(q.withdrawn) >= maxWaiting {
		return errFull("too many changes of " + q.pool.Title() + " are waiting")
	}
	q.waiting = append(q.waiting, r)
	return nil
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// take removes the requests of the next round: at most maxBatch members, each in one
// direction. A reversal ends the round, so that it stays behind what it reverses. Members
// that are held wait.
func (q *queue) take(isHeld func(member lsapi.MemberID) bool) []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	var batch, rest []*request
	direction := make(map[lsapi.MemberID]lsapi.Action)
	for i, r := range q.waiting {
		action, inRound := direction[r.Member]
		switch {
		case r.isWithdrawn():
			q.withdrawn = append(q.withdrawn, r)
			continue
		case isHeld(r.Member):
			rest = append(rest, r)
			continue
		case inRound && action != r.Action, !inRound && len(direction) == maxBatch:
			q.waiting = append(rest, q.waiting[i:]...)
			return batch
		}
		direction[r.Member] = r.Action
		batch = append(batch, r)
	}
	q.waiting = rest
	return batch
}

// takeWithdrawn removes the withdrawn requests.
func (q *queue) takeWithdrawn() []*request {
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
func (q *queue) keepWithdrawn(requests []*request) {
	if len(requests) == 0 {
		return
	}
	if q.isClosing() {
		q.warnOfWithdrawn(len(requests))
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.withdrawn = slices.Concat(requests, q.withdrawn)
}

func (q *queue) warnOfWithdrawn(changes int) {
	q.log.Warn("withdrawn changes could not be recorded", "pool", q.pool, "changes", changes)
}

// requeue puts requests back to the head of the queue.
func (q *queue) requeue(requests []*request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.Concat(requests, q.waiting)
}

// reject answers that a batch was not sent because it could not be recorded, and keeps
// the requests whose callers have left.
func (q *queue) reject(batch []*request, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range batch {
		if !r.refuse(errUnrecorded(err)) {
			q.withdrawn = append(q.withdrawn, r)
		}
	}
}

// rejectUnsent rejects the makers of changes that were not sent. If their intents may be on
// record, it keeps them, so that these end as failed: what is read later may look like
// their effect.
func (q *queue) rejectUnsent(makers []*request, err error) {
	if lsapi.ErrorCode(err) != lsapi.CodeTimeout {
		q.reject(makers, err)
		return
	}
	for _, r := range makers {
		r.rejected = r.refuse(errUnrecorded(err))
	}
	q.keepWithdrawn(makers)
}

// rejectWaiting rejects all that wait.
func (q *queue) rejectWaiting(err error) { q.reject(q.takeWaiting(), err) }

// takeWaiting removes all that wait.
func (q *queue) takeWaiting() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := q.waiting
	q.waiting = nil
	return waiting
}

// requeueOrReject puts requests back that are undecided, and rejects the others: their
// batch may be on record, and none of it was sent.
func (q *queue) requeueOrReject(requests []*request) {
	var undecided, decided []*request
	for _, r := range requests {
		if r.stage.Load() == stageDecided {
			decided = append(decided, r)
		} else {
			undecided = append(undecided, r)
		}
	}
	q.requeue(undecided)
	q.reject(decided, lsapi.Errorf(lsapi.CodeUnavailable, "another process has changed %s meanwhile", q.pool.Title()))
}
