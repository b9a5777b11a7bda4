package dataplane

import (
	"context"
	"errors"
	"slices"
	"time"
)

// The reasons why a request gets no member.
var (
	errNoMember = errors.New("no member is in service")
	errSpilled  = errors.New("the surge queue is full")
	// errIdle: a connection or a queued request was idle for too long.
	errIdle = errors.New("the connection was silent for too long")
)

// pool holds the members of a load balancer and its surge queue.
type pool struct {
	name        string
	concurrency int // requests per member; 0: no limit
	metrics     zoneMetrics

	memberSet // its mu guards what follows

	idle       time.Duration
	zones      []string
	stickiness map[int]Stickiness // by the ports of listeners
	proxyPorts []int
	hosts      []hostCount // by zone and in total; replaced on change
	queue      []*waiter   // oldest first
	requests   uint64
	spilled    uint64
}

// waiter is a request in the surge queue.
type waiter struct {
	assigned chan *member // buffered; nil: no member is left
	tried    []*member
}

// close ends all requests.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end()
	p.refresh()
}

// refresh counts the members and serves the queue after a change. The caller holds mu.
func (p *pool) refresh() {
	p.hosts = p.countHosts()
	p.dispatch()
}

// dispatch assigns members to queued requests, and fails requests for which no member
// is left. The caller holds mu.
func (p *pool) dispatch() {
	for at := 0; at < len(p.queue); {
		w := p.queue[at]
		m := p.leastLoaded(w.tried)
		switch {
		case m != nil:
			m.inFlight++
		case !p.hasUntried(w.tried):
		case len(w.tried) == 0:
			return // all members are at their limit
		default:
			at++
			continue
		}
		p.queue = slices.Delete(p.queue, at, at+1)
		w.assigned <- m
	}
}

// hasUntried reports whether a member that was not tried takes requests. The caller
// holds mu.
func (p *pool) hasUntried(tried []*member) bool {
	return slices.ContainsFunc(p.members, func(m *member) bool { return m.available() && !slices.Contains(tried, m) })
}

// leastLoaded returns the untried member with the fewest requests in flight, nil if all
// are at their limit. The caller holds mu.
func (p *pool) leastLoaded(tried []*member) *member {
	var found *member
	for i := range p.members {
		m := p.members[(p.next+i)%len(p.members)]
		if !m.available() || slices.Contains(tried, m) || p.concurrency > 0 && m.inFlight >= p.concurrency {
			continue
		}
		if found == nil || m.inFlight < found.inFlight {
			found = m
		}
	}
	p.next++
	return found
}

// acquireBound returns the member to which a client is bound, if it takes requests, else any.
func (p *pool) acquireBound(ctx context.Context, bound *member, tried []*member) (*member, error) {
	p.mu.Lock()
	if bound != nil && bound.available() && !slices.Contains(tried, bound) && (p.concurrency == 0 || bound.inFlight < p.concurrency) {
		bound.inFlight++
		p.mu.Unlock()
		return bound, nil
	}
	p.mu.Unlock()
	return p.acquire(ctx, tried)
}

// acquire returns a member for a request, if necessary after a wait in the surge queue.
// The caller releases it.
//
// Errors: errNoMember, errSpilled, errIdle, that of ctx.
func (p *pool) acquire(ctx context.Context, tried []*member) (*member, error) {
	p.mu.Lock()
	if !p.hasUntried(tried) {
		p.mu.Unlock()
		return nil, errNoMember
	}
	if len(p.queue) == 0 {
		if m := p.leastLoaded(tried); m != nil {
			m.inFlight++
			p.mu.Unlock()
			return m, nil
		}
	}
	if len(p.queue) >= maxQueue {
		p.spilled++
		p.mu.Unlock()
		p.measure("", value{SpilloverCount, 1})
		return nil, errSpilled
	}
	w := &waiter{assigned: make(chan *member, 1), tried: tried}
	p.queue = append(p.queue, w)
	length, timeout := len(p.queue), time.NewTimer(p.idle)
	p.dispatch() // the requests ahead may have tried the only member below its limit
	p.mu.Unlock()
	defer timeout.Stop()
	p.measure("", value{SurgeQueueLength, float64(length)})
	select {
	case m := <-w.assigned:
		if m == nil {
			return nil, errNoMember
		}
		return m, nil
	case <-timeout.C:
		p.dequeue(w)
		return nil, errIdle
	case <-ctx.Done():
		p.dequeue(w)
		return nil, context.Cause(ctx)
	}
}

// dequeue removes a request that stopped waiting.
func (p *pool) dequeue(w *waiter) {
	p.mu.Lock()
	at := slices.Index(p.queue, w)
	if at >= 0 {
		p.queue = slices.Delete(p.queue, at, at+1)
	}
	p.mu.Unlock()
	if at < 0 {
		if m := <-w.assigned; m != nil { // assigned at the same time
			p.release(m)
		}
	}
}

// release ends a request of a member.
func (p *pool) release(m *member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finish(m)
	p.dispatch()
}

func (p *pool) idleTimeout() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.idle
}

// measure adds values of a zone. Values without a member, with the zone "", count for the
// load balancer's first zone, as if its only node was there.
func (p *pool) measure(zone string, values ...value) {
	if zone == "" {
		p.mu.Lock()
		if len(p.zones) > 0 {
			zone = p.zones[0]
		}
		p.mu.Unlock()
	}
	p.metrics.add(zone, values...)
}

// count counts a request to a zone and the values of its answer.
func (p *pool) count(zone string, answer ...value) {
	p.mu.Lock()
	p.requests++
	counts := p.hosts
	p.mu.Unlock()
	p.measure(zone, append(answer, value{RequestCount, 1})...)
	p.metrics.addHosts(counts)
}
