package dataplane

import (
	"context"
	"net"
	"slices"
)

// balancer is a Classic load balancer that carries traffic. Plane.mu guards its listeners.
type balancer struct {
	runtime   *runtime
	machines  *machines
	pool      *pool
	prober    *prober
	listeners *listeners
}

func newBalancer(r *runtime, machines *machines, name string) *balancer {
	p := &pool{name: name, concurrency: r.Concurrency, metrics: zoneMetrics{byZone: make(map[string]*metrics)}}
	b := &balancer{runtime: r, machines: machines, pool: p}
	b.prober = &prober{runtime: r, set: &p.memberSet, name: name, changed: func(*member) { p.refresh() }, reset: make(chan struct{})}
	b.listeners = &listeners{r, name, make(map[int]*listener), b.newServer}
	return b
}

func (b *balancer) newServer(l Listener, opened net.Listener) server {
	if l.Protocol == "TCP" {
		return newRelay(b.runtime.base, connections{b.pool}, l.InstancePort, opened)
	}
	p := &proxy{newForwarder(b.machines), b.pool, l}
	return newHTTPServer(opened, p.handler(), p.forwarder, b.pool.idleTimeout())
}

// connections are those of a TCP listener of a Classic load balancer.
type connections struct{ *pool }

// acquire implements relayed.
func (c connections) acquire(ctx context.Context, tried []*member) (*member, func(*member), error) {
	m, err := c.pool.acquire(ctx, tried)
	return m, c.release, err
}

// preface implements relayed.
func (c connections) preface(port int, client net.Conn) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.proxyPorts, port) {
		return ""
	}
	return proxyHeader(client.RemoteAddr(), client.LocalAddr())
}

// refused implements relayed.
func (c connections) refused(zone string) { c.measure(zone, value{BackendConnectionErrors, 1}) }

// apply applies the load balancer's part of a plan. The caller holds Plane.mu.
func (b *balancer) apply(lb LoadBalancer) {
	p := b.pool
	p.mu.Lock()
	p.idle, p.drain, p.zones = lb.Idle, lb.Drain, lb.Zones
	p.stickiness, p.proxyPorts = lb.Stickiness, lb.ProxyPorts
	b.prober.use(lb.Check)
	p.sync(lb.Members, func(m Member) *member { return b.prober.newMember(b.machines, m) })
	p.refresh()
	p.mu.Unlock()
	b.listeners.set(lb.Listeners)
}

// close closes the listeners and ends all requests. The caller holds Plane.mu.
func (b *balancer) close() {
	b.listeners.set(nil)
	b.pool.close()
}

// traffic returns the current traffic. The caller holds Plane.mu.
func (b *balancer) traffic() Traffic {
	p := b.pool
	t := Traffic{LoadBalancer: p.name, Type: typeClassic, Listeners: b.listeners.list(), Members: append([]Load{}, p.loads("")...)}
	p.mu.Lock()
	defer p.mu.Unlock()
	t.Waiting, t.Spilled, t.Requests = len(p.queue), p.spilled, p.requests
	return t
}
