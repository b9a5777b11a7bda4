// Package dataplane makes emulated load balancers carry traffic: with listeners, emulated
// instances, health checks, draining, a surge queue, and metrics.
//
// Apply sets the Plan. When it returns, no new request goes to an instance that is not a
// member in the plan.
package dataplane

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
)

// Plane carries the traffic. It is safe for concurrent use.
type Plane struct {
	runtime  runtime
	machines machines

	mu        sync.Mutex
	closed    bool
	balancers map[string]*balancer
}

// New returns a Plane without load balancers. The caller closes it.
func New(o Options) *Plane {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	base, cancel := context.WithCancel(context.Background())
	p := &Plane{runtime: runtime{Options: o, base: base, cancel: cancel}, balancers: make(map[string]*balancer)}
	p.machines = machines{runtime: &p.runtime, byID: make(map[string]*machine)}
	return p
}

// Apply sets the plan.
func (p *Plane) Apply(plan Plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	for _, i := range plan.Instances {
		p.machines.get(i.ID, i.Number).set(i)
	}
	kept := make(map[string]bool, len(plan.LoadBalancers))
	for _, lb := range plan.LoadBalancers {
		kept[lb.Name] = true
		b := p.balancers[lb.Name]
		if b == nil {
			b = newBalancer(&p.runtime, &p.machines, lb.Name)
			p.balancers[lb.Name] = b
		}
		for _, m := range lb.Members {
			p.machines.get(m.InstanceID, 0).open(lb.memberPorts())
		}
		b.apply(lb)
	}
	for name, b := range p.balancers {
		if !kept[name] {
			b.close()
			delete(p.balancers, name)
		}
	}
}

// Health returns the health of a member.
func (p *Plane) Health(loadBalancer, instanceID string) Health {
	p.mu.Lock()
	b := p.balancers[loadBalancer]
	p.mu.Unlock()
	if b == nil {
		return Registering
	}
	return b.pool.healthOf(instanceID)
}

// InFlight returns the number of requests in flight to a former member.
func (p *Plane) InFlight(loadBalancer, instanceID string) int {
	p.mu.Lock()
	b := p.balancers[loadBalancer]
	p.mu.Unlock()
	if b == nil {
		return 0
	}
	return b.pool.drainingRequests(instanceID)
}

// SetAlive kills or revives the server of an instance. EC2 shows no difference.
func (p *Plane) SetAlive(instanceID string, alive bool) {
	if m := p.machines.find(instanceID); m != nil {
		m.setAlive(alive)
	}
}

// Killed reports whether SetAlive has killed an instance.
func (p *Plane) Killed(instanceID string) bool {
	m := p.machines.find(instanceID)
	return m != nil && m.isKilled()
}

// Traffic returns the traffic of all load balancers, sorted by name.
func (p *Plane) Traffic() []Traffic {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]Traffic, 0, len(p.balancers))
	for _, b := range p.balancers {
		all = append(all, b.traffic())
	}
	slices.SortFunc(all, func(a, b Traffic) int { return cmp.Compare(a.LoadBalancer, b.LoadBalancer) })
	return all
}

// Close ends all traffic. It cuts requests in flight.
func (p *Plane) Close() error {
	p.mu.Lock()
	p.closed = true
	p.runtime.cancel()
	for _, b := range p.balancers {
		b.close()
	}
	p.machines.stop()
	p.mu.Unlock()
	p.runtime.probes.Wait()
	p.runtime.servers.Wait()
	return nil
}
