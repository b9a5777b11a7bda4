package membership

import (
	"slices"
	"time"

	"lsapi"
	"lsapi/internal/observe"
)

// lane is the only writer of one load balancer. Its goroutine ends when nothing
// waits, nothing is open and no read can miss its changes any more.
type lane struct {
	service      *Service
	loadBalancer string
	wake         chan struct{} // holds one: there is something to look at

	queue    []*request // in arrival order; guarded by service.mu
	left     []*request // withdrawn, and not on record yet; with the queue at most maxWaiting; guarded by service.mu
	wanted   bool       // the record is to be read, if only for the overlay; guarded by service.mu
	informed bool       // the record has been read; guarded by service.mu

	last     *recordedMembers // what the last round knew; only begin may use it. The goroutine's own, as is the rest
	open     []*change        // sent, outcome not known
	pause    time.Duration    // before the next look at what is open
	nextLook time.Time
	nextTry  time.Time // before then the record is not tried again for withdrawn requests alone
}

func newLane(s *Service, loadBalancer string) *lane {
	return &lane{service: s, loadBalancer: loadBalancer, wake: make(chan struct{}, 1)}
}

// push adds a request to the queue. The caller holds service.mu.
func (l *lane) push(r *request) error {
	if len(l.queue)+len(l.left) >= maxWaiting {
		return errFull("too many changes of load balancer " + l.loadBalancer + " are waiting")
	}
	l.queue = append(l.queue, r)
	l.signal()
	return nil
}

// setWithdrawn reports whether the request's caller has left, and keeps it for the
// record then. The caller holds service.mu.
func (l *lane) setWithdrawn(r *request) bool {
	if !r.gone() {
		return false
	}
	l.left = append(l.left, r)
	return true
}

// keepWithdrawn keeps requests for the record that could not be written there. A
// Service that is closing does not wait for a record that may never come back, such as
// that of a standby.
func (l *lane) keepWithdrawn(requests []*request) {
	if len(requests) == 0 {
		return
	}
	l.service.mu.Lock()
	defer l.service.mu.Unlock()
	if l.service.closing {
		l.warnOfWithdrawn(len(requests))
		return
	}
	l.left = append(requests, l.left...)
}

func (l *lane) warnOfWithdrawn(changes int) {
	l.service.log.Warn("withdrawn changes could not be recorded", "load_balancer", l.loadBalancer, "changes", changes)
}

// signal makes the lane look again.
func (l *lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *lane) run() {
	for {
		next, wait, more := l.next()
		switch {
		case !more:
			return
		case wait > 0:
			l.sleep(wait)
		default:
			l.do(next)
		}
	}
}

// job is what a lane does next. All of it may be empty: then it only looks at
// what is open.
type job struct {
	batch []*request
	left  []*request
	found observe.Pending
}

// next returns the next job, or for how long nothing is due; more is false when
// the lane has ended.
func (l *lane) next() (next job, wait time.Duration, more bool) {
	s, now := l.service, time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.base.Err() != nil {
		l.abandon()
		return job{}, 0, false
	}
	next = job{batch: l.take(), found: s.inbox.Take(l.loadBalancer)}
	due := len(next.batch) > 0 || next.found.Members != nil || next.found.Health != nil || l.wanted
	l.wanted = false
	if due || len(l.left) > 0 && (s.closing || !now.Before(l.nextTry)) {
		next.left, l.left = l.left, nil
		return next, 0, true
	}
	if len(l.open) > 0 {
		return job{}, l.nextLook.Sub(now), true
	}
	if len(l.left) > 0 {
		return job{}, l.nextTry.Sub(now), true
	}
	if !s.overlay.Holds(l.loadBalancer) || s.closing {
		delete(s.lanes, l.loadBalancer)
		return job{}, 0, false
	}
	return job{}, s.overlay.Keep(), true
}

// do carries out a job under one lease.
func (l *lane) do(next job) {
	r, err := l.begin(next.batch)
	if err != nil {
		l.service.inbox.BackOff(err)
		l.keepWithdrawn(next.left)
		l.turnAway(next.batch, err)
		l.lookLater()
		return
	}
	defer r.end()
	if len(next.batch) == 0 {
		next.batch = r.takeLate() // what has come meanwhile goes first
	}
	next.batch = r.setAside(next.batch)
	r.recordWithdrawn(next.left)
	var first recordBatch
	switch {
	case len(next.batch) > 0 || len(r.open) > 0:
		r.carryOut(next.batch, &first)
	case next.found.Members != nil:
		r.report(*next.found.Members, &first)
	}
	if err := r.append(&first); err != nil { // nobody waits for what is left in it
		r.service.log.Warn("what happened could not be recorded", "load_balancer", r.loadBalancer, "events", len(first.events), "error", err)
		r.keepWithdrawn(first.withdrawn)
		r.lookLater()
	}
	r.recordHealth(next.found.Health)
}

// takeLate is take while a lease is under way.
func (l *lane) takeLate() []*request {
	l.service.mu.Lock()
	defer l.service.mu.Unlock()
	return l.take()
}

// take removes from the queue what the next round can do: at most maxBatch
// instances, and each in one direction. A reversal ends the round, and so keeps
// its place behind what it reverses. Instances with an open change wait until it
// is settled. The caller holds service.mu.
func (l *lane) take() []*request {
	var batch, rest []*request
	direction := make(map[string]lsapi.Action)
	for i, r := range l.queue {
		action, inRound := direction[r.InstanceID]
		switch {
		case l.setWithdrawn(r):
			continue
		case l.isHeld(r.InstanceID):
			rest = append(rest, r)
			continue
		case inRound && action != r.Action, !inRound && len(direction) == maxBatch:
			l.queue = append(rest, l.queue[i:]...)
			return batch
		}
		direction[r.InstanceID] = r.Action
		batch = append(batch, r)
	}
	l.queue = rest
	return batch
}

// setAside puts back what must wait for an open change of which the lane has
// learned only now, and returns the rest.
func (l *lane) setAside(batch []*request) []*request {
	var held []*request
	batch = slices.DeleteFunc(batch, func(r *request) bool {
		if l.isHeld(r.InstanceID) {
			held = append(held, r)
			return true
		}
		return false
	})
	l.again(held)
	return batch
}

// turnAway refuses requests of which nothing was sent, because it could not be
// recorded. Those whose callers have left are kept for the record.
func (l *lane) turnAway(batch []*request, err error) {
	l.service.mu.Lock()
	defer l.service.mu.Unlock()
	for _, r := range batch {
		if !r.refuse(errUnrecorded(err)) {
			l.left = append(l.left, r)
		}
	}
}

// again puts requests back to the head of the queue, to be tried anew.
func (l *lane) again(requests []*request) {
	l.service.mu.Lock()
	defer l.service.mu.Unlock()
	l.queue = append(slices.Clone(requests), l.queue...)
}

// againOrRefuse is again for requests some of which may have been decided, in a batch
// that may be on record: those are refused, because nothing of them was sent.
func (l *lane) againOrRefuse(requests []*request) {
	var undecided, decided []*request
	for _, r := range requests {
		if r.stage.Load() == stageDecided {
			decided = append(decided, r)
		} else {
			undecided = append(undecided, r)
		}
	}
	l.again(undecided)
	l.turnAway(decided, lsapi.Errorf(lsapi.CodeUnavailable, "another process has changed load balancer %s meanwhile", l.loadBalancer))
}

func (l *lane) sleep(wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.wake:
	case <-l.service.base.Done():
	}
}

// abandon ends a lane that was given no time to finish. What is open stays so in
// the record, and is for whoever has the lane next. The caller holds service.mu.
func (l *lane) abandon() {
	failAll(l.queue, errClosing())
	if len(l.left) > 0 {
		l.warnOfWithdrawn(len(l.left))
	}
	for _, c := range l.open {
		l.log(c, lsapi.OutcomeUnknown, false)
		c.tell(l.loadBalancer, lsapi.OutcomeUnknown)
		failAll(c.waiting, errClosing())
	}
	delete(l.service.lanes, l.loadBalancer)
}
