package membership

import (
	"slices"
	"time"

	"lsapi"
)

// lane is the only writer of one load balancer. Its goroutine ends when nothing
// waits, nothing is open and no read can miss its changes any more.
type lane struct {
	service      *Service
	loadBalancer string
	wake         chan struct{} // holds one: there is something to look at

	queue   []*request // in arrival order; guarded by service.mu
	overlay overlay    // guarded by service.mu

	open     []*change     // sent, outcome not known; the goroutine's own
	pause    time.Duration // before the next look at what is open
	nextLook time.Time
}

func newLane(s *Service, loadBalancer string) *lane {
	return &lane{service: s, loadBalancer: loadBalancer, wake: make(chan struct{}, 1), overlay: make(overlay)}
}

// push adds a request to the queue. The caller holds service.mu.
func (l *lane) push(r *request) error {
	l.queue = slices.DeleteFunc(l.queue, (*request).gone)
	if len(l.queue) >= maxWaiting {
		return errFull("too many changes of load balancer " + l.loadBalancer + " are waiting")
	}
	l.queue = append(l.queue, r)
	l.signal()
	return nil
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
		batch, wait, more := l.next()
		switch {
		case !more:
			return
		case wait > 0:
			l.sleep(wait)
		default:
			l.round(batch)
		}
	}
}

// next returns the next round's batch, or for how long nothing is due; more is
// false when the lane has ended. A batch may be empty: then the round only looks
// at what is open.
func (l *lane) next() (batch []*request, wait time.Duration, more bool) {
	s, now := l.service, time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.base.Err() != nil {
		l.abandon()
		return nil, 0, false
	}
	if batch = l.take(); len(batch) > 0 {
		return batch, 0, true
	}
	if len(l.open) > 0 {
		return nil, max(0, l.nextLook.Sub(now)), true
	}
	l.overlay.prune(now.Add(-s.window - s.call))
	if len(l.overlay) == 0 || s.closing {
		delete(s.lanes, l.loadBalancer)
		return nil, 0, false
	}
	return nil, s.window + s.call, true
}

// take removes from the queue what the next round can do: at most maxBatch
// instances, and each in one direction. A reversal ends the round, and so keeps
// its place behind what it reverses. Instances with an open change wait until it
// is settled. The caller holds service.mu.
func (l *lane) take() []*request {
	held := make(map[string]bool, len(l.open))
	for _, c := range l.open {
		held[c.instance.ID] = true
	}
	var batch, rest []*request
	direction := make(map[string]lsapi.Action)
	for i, r := range l.queue {
		action, inRound := direction[r.InstanceID]
		switch {
		case r.gone():
			continue
		case held[r.InstanceID]:
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

// again puts requests back to the head of the queue, to be tried anew.
func (l *lane) again(requests []*request) {
	l.service.mu.Lock()
	defer l.service.mu.Unlock()
	l.queue = append(slices.Clone(requests), l.queue...)
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

// abandon ends a lane that was given no time to finish. The caller holds
// service.mu.
func (l *lane) abandon() {
	failAll(l.queue, errClosing())
	l.queue = nil
	for _, c := range l.open {
		l.conclude(c, outcomeUnknown, false)
		failAll(c.waiting, errClosing())
	}
	l.open = nil
	delete(l.service.lanes, l.loadBalancer)
}
