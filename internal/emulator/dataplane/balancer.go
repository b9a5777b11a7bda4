package dataplane

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// The reasons for which a request gets no member.
var (
	errNoMember = errors.New("no member is in service")
	errSpilled  = errors.New("the surge queue is full")
)

// balancer is a load balancer that carries traffic.
type balancer struct {
	plane   *Plane
	name    string
	metrics zoneMetrics

	listeners map[int]*listener // by port; guarded by Plane.mu

	mu       sync.Mutex
	idle     time.Duration
	drain    time.Duration
	check    HealthCheck
	checkNew chan struct{} // closed and replaced when check changes
	members  []*member
	leaving  []*member // whose last requests have not finished
	zones    []string  // where it takes requests
	hosts    []hosts   // of each zone and of all; replaced when it changes
	queue    []*waiter // oldest first
	next     int       // the member to begin with among equals
	requests uint64
	spilled  uint64
}

// member is an instance as one load balancer knows it.
type member struct {
	Member
	machine *machine

	// Guarded by balancer.mu.
	health   Health
	left     bool
	passes   int // probes in a row
	failures int // likewise
	inFlight int

	ended context.Context //nolint:containedctx // it is not a request's: its requests are cut off when it ends
	end   context.CancelFunc
}

// waiter is a request in the surge queue.
type waiter struct {
	given chan *member // holds one; nil when there is no member any more
	tried []*member
}

func newBalancer(p *Plane, name string) *balancer {
	return &balancer{
		plane: p, name: name, metrics: zoneMetrics{byZone: make(map[string]*metrics)},
		listeners: make(map[int]*listener), checkNew: make(chan struct{}),
	}
}

// apply takes the load balancer's part of a plan in. The caller holds Plane.mu.
func (b *balancer) apply(lb LoadBalancer) {
	b.mu.Lock()
	b.idle, b.drain, b.zones = lb.Idle, lb.Drain, lb.Zones
	if b.check != lb.Check {
		b.check = lb.Check
		close(b.checkNew)
		b.checkNew = make(chan struct{})
	}
	old := b.members
	b.members = nil
	for _, m := range lb.Members {
		at := slices.IndexFunc(old, func(known *member) bool { return known.InstanceID == m.InstanceID && known.Since.Equal(m.Since) })
		if at >= 0 {
			old[at].Served = m.Served
			b.members = append(b.members, old[at])
			old = slices.Delete(old, at, at+1)
			continue
		}
		b.members = append(b.members, b.join(m))
	}
	for _, m := range old {
		b.part(m)
	}
	b.recount()
	b.mu.Unlock()
	b.listen(lb.Listeners)
}

// join makes a member, which is probed from now on. The caller holds both locks.
//
//nolint:contextcheck,nolintlint // a member lives until the plane is closed, whoever has made it
func (b *balancer) join(m Member) *member {
	made := &member{Member: m, machine: b.plane.machine(m.InstanceID, 0)}
	made.ended, made.end = context.WithCancel(b.plane.base)
	b.plane.probing.Go(func() { b.probe(made.ended, made) })
	return made
}

// part lets a member's requests finish, for a time. The caller holds mu.
func (b *balancer) part(m *member) {
	m.left = true
	if m.inFlight == 0 || b.drain <= 0 {
		m.end()
		return
	}
	b.leaving = append(b.leaving, m)
	forced := time.AfterFunc(b.drain, m.end)
	context.AfterFunc(m.ended, func() { forced.Stop() })
}

// close ends all of it. The caller holds Plane.mu.
func (b *balancer) close() {
	b.listen(nil)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range slices.Concat(b.members, b.leaving) {
		m.end()
	}
	b.members, b.leaving = nil, nil
	b.recount()
}

// takes reports whether a member takes requests. The caller holds mu.
func (m *member) takes() bool {
	return m.Served && !m.left && m.health == InService && m.machine.running.Load()
}

// recount counts the members that take requests, and sees to those that wait. The
// caller holds mu.
func (b *balancer) recount() {
	b.countHosts()
	b.handOut()
}

// handOut gives members that have room to requests that wait, and none to those for
// whom there is no member any more. The caller holds mu.
func (b *balancer) handOut() {
	for at := 0; at < len(b.queue); {
		w := b.queue[at]
		m := b.least(w.tried)
		switch {
		case m != nil:
			m.inFlight++
		case !b.hasOther(w.tried):
		case len(w.tried) == 0:
			return // nobody has room
		default:
			at++
			continue
		}
		b.queue = slices.Delete(b.queue, at, at+1)
		w.given <- m
	}
}

// hasOther reports whether a member takes requests that was not tried. The caller holds
// mu.
func (b *balancer) hasOther(tried []*member) bool {
	return slices.ContainsFunc(b.members, func(m *member) bool { return m.takes() && !slices.Contains(tried, m) })
}

// least returns the member with the fewest requests in flight that has room for one
// more, but none of those that were tried. The caller holds mu.
func (b *balancer) least(tried []*member) *member {
	var found *member
	limit := b.plane.o.Concurrency
	for i := range b.members {
		m := b.members[(b.next+i)%len(b.members)]
		if !m.takes() || slices.Contains(tried, m) || limit > 0 && m.inFlight >= limit {
			continue
		}
		if found == nil || m.inFlight < found.inFlight {
			found = m
		}
	}
	b.next++
	return found
}

// acquire returns a member for a request, when it has waited for one that has room. The
// caller releases it.
//
// Errors: errNoMember, errSpilled, errIdle, that of ctx.
func (b *balancer) acquire(ctx context.Context, tried []*member) (*member, error) {
	b.mu.Lock()
	if !b.hasOther(tried) {
		b.mu.Unlock()
		return nil, errNoMember
	}
	if len(b.queue) == 0 {
		if m := b.least(tried); m != nil {
			m.inFlight++
			b.mu.Unlock()
			return m, nil
		}
	}
	if len(b.queue) >= maxQueue {
		b.spilled++
		b.mu.Unlock()
		b.measure("", value{SpilloverCount, 1})
		return nil, errSpilled
	}
	w := &waiter{given: make(chan *member, 1), tried: tried}
	b.queue = append(b.queue, w)
	waiting, patience := len(b.queue), time.NewTimer(b.idle)
	b.handOut() // those before it may have tried the one that has room
	b.mu.Unlock()
	defer patience.Stop()
	b.measure("", value{SurgeQueueLength, float64(waiting)})
	select {
	case m := <-w.given:
		if m == nil {
			return nil, errNoMember
		}
		return m, nil
	case <-patience.C:
		b.withdraw(w)
		return nil, errIdle
	case <-ctx.Done():
		b.withdraw(w)
		return nil, context.Cause(ctx)
	}
}

// withdraw takes a request out of the queue that does not want to wait any more.
func (b *balancer) withdraw(w *waiter) {
	b.mu.Lock()
	at := slices.Index(b.queue, w)
	if at >= 0 {
		b.queue = slices.Delete(b.queue, at, at+1)
	}
	b.mu.Unlock()
	if at < 0 {
		if m := <-w.given; m != nil { // it was given one just then
			b.release(m)
		}
	}
}

// release gives a member back.
func (b *balancer) release(m *member) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m.inFlight--
	if m.left {
		if m.inFlight == 0 {
			m.end()
			b.leaving = slices.DeleteFunc(b.leaving, func(other *member) bool { return other == m })
		}
		return
	}
	b.handOut()
}

func (b *balancer) healthOf(instanceID string) Health {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.members {
		if m.InstanceID == instanceID {
			return m.health
		}
	}
	return Registering
}

func (b *balancer) leavingOf(instanceID string) (inFlight int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.leaving {
		if m.InstanceID == instanceID {
			inFlight += m.inFlight
		}
	}
	return inFlight
}

// idleTime is how long a connection may be silent.
func (b *balancer) idleTime() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.idle
}

// traffic tells what it does. The caller holds Plane.mu.
func (b *balancer) traffic() Traffic {
	t := Traffic{LoadBalancer: b.name, Listeners: b.openListeners(), Members: []Load{}}
	b.mu.Lock()
	defer b.mu.Unlock()
	t.Waiting, t.Spilled, t.Requests = len(b.queue), b.spilled, b.requests
	for _, m := range slices.Concat(b.members, b.leaving) {
		t.Members = append(t.Members, Load{m.InstanceID, m.machine.addresses(), m.takes(), m.left, m.inFlight})
	}
	return t
}
