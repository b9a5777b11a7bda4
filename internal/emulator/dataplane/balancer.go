package dataplane

import (
	"context"
	"slices"
)

// balancer is a load balancer that carries traffic. Plane.mu guards its listeners.
type balancer struct {
	runtime   *runtime
	machines  *machines
	pool      *pool
	prober    *prober
	listeners *listeners
}

func newBalancer(r *runtime, machines *machines, name string) *balancer {
	p := &pool{name: name, concurrency: r.Concurrency, metrics: zoneMetrics{byZone: make(map[string]*metrics)}}
	return &balancer{
		runtime: r, machines: machines, pool: p,
		prober:    &prober{runtime: r, pool: p, reset: make(chan struct{})},
		listeners: &listeners{r, machines, p, make(map[int]*listener)},
	}
}

// apply applies the load balancer's part of a plan. The caller holds Plane.mu.
func (b *balancer) apply(lb LoadBalancer) {
	p := b.pool
	p.mu.Lock()
	p.idle, p.drain, p.zones = lb.Idle, lb.Drain, lb.Zones
	b.prober.set(lb.Check)
	p.sync(lb.Members, b.newMember)
	p.mu.Unlock()
	b.listeners.set(lb.Listeners)
}

// newMember makes a member and starts its probes. The caller holds pool.mu.
//
//nolint:contextcheck,nolintlint // a member lives until the plane is closed, not until a request ends
func (b *balancer) newMember(m Member) *member {
	made := &member{Member: m, machine: b.machines.get(m.InstanceID, 0)}
	made.ended, made.end = context.WithCancel(b.runtime.base)
	b.runtime.probes.Go(func() { b.prober.probe(made.ended, made) })
	return made
}

// close closes the listeners and ends all requests. The caller holds Plane.mu.
func (b *balancer) close() {
	b.listeners.set(nil)
	b.pool.close()
}

// traffic returns the current traffic. The caller holds Plane.mu.
func (b *balancer) traffic() Traffic {
	p := b.pool
	t := Traffic{LoadBalancer: p.name, Listeners: b.listeners.list(), Members: []Load{}}
	p.mu.Lock()
	defer p.mu.Unlock()
	t.Waiting, t.Spilled, t.Requests = len(p.queue), p.spilled, p.requests
	for _, m := range slices.Concat(p.members, p.draining) {
		t.Members = append(t.Members, Load{m.InstanceID, m.machine.addresses(), m.available(), m.removed, m.inFlight})
	}
	return t
}
