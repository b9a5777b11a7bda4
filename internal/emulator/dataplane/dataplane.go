// Package dataplane makes emulated load balancers carry traffic: with listeners, rules,
// emulated instances, health checks, draining, a surge queue, and metrics.
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
	balancers map[string]*balancer // the Classic ones, by name
	groups    map[string]*group    // by ARN, as the next one
	routers   map[string]*router
}

// New returns a Plane without load balancers. The caller closes it.
func New(o Options) *Plane {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	base, cancel := context.WithCancel(context.Background())
	p := &Plane{
		runtime:   runtime{Options: o, base: base, cancel: cancel},
		balancers: make(map[string]*balancer), groups: make(map[string]*group), routers: make(map[string]*router),
	}
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
	p.applyBalancers(plan.LoadBalancers)
	p.applyGroups(plan.TargetGroups)
	p.applyRouters(plan.Routers)
	p.retireGroups(plan.TargetGroups)
}

func (p *Plane) applyBalancers(planned []LoadBalancer) {
	kept := make(map[string]bool, len(planned))
	for _, lb := range planned {
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

func (p *Plane) applyGroups(planned []TargetGroup) {
	for _, g := range planned {
		if p.groups[g.ARN] == nil {
			p.groups[g.ARN] = newGroup(&p.runtime, g)
		}
		p.groups[g.ARN].apply(g, &p.machines)
	}
}

// retireGroups removes the groups that are not in the plan.
func (p *Plane) retireGroups(planned []TargetGroup) {
	kept := make(map[string]bool, len(planned))
	for _, g := range planned {
		kept[g.ARN] = true
	}
	for arn, g := range p.groups {
		if !kept[arn] {
			g.retire()
			delete(p.groups, arn)
		}
	}
}

func (p *Plane) applyRouters(planned []Router) {
	kept := make(map[string]bool, len(planned))
	for _, r := range planned {
		kept[r.ARN] = true
		if p.routers[r.ARN] == nil {
			p.routers[r.ARN] = newRouter(&p.runtime, &p.machines, r)
		}
		p.routers[r.ARN].apply(r, p.groups)
	}
	for arn, r := range p.routers {
		if !kept[arn] {
			r.listeners.set(nil)
			delete(p.routers, arn)
		}
	}
}

// Health returns the health of a member of a Classic load balancer.
func (p *Plane) Health(loadBalancer, instanceID string) Health {
	p.mu.Lock()
	b := p.balancers[loadBalancer]
	p.mu.Unlock()
	if b == nil {
		return Registering
	}
	health, _ := b.pool.healthOf(memberKey{id: instanceID})
	return health
}

// TargetHealth returns the health of a target of a target group, and its last failed probe.
func (p *Plane) TargetHealth(group, targetID string, port int) (Health, Failure) {
	p.mu.Lock()
	g := p.groups[group]
	p.mu.Unlock()
	if g == nil {
		return Registering, Failure{}
	}
	return g.healthOf(memberKey{targetID, port})
}

// InFlight returns the number of requests in flight to a former member.
func (p *Plane) InFlight(loadBalancer, instanceID string) int {
	p.mu.Lock()
	b := p.balancers[loadBalancer]
	p.mu.Unlock()
	if b == nil {
		return 0
	}
	return b.pool.drainingRequests(memberKey{id: instanceID})
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

// Traffic returns the traffic of all load balancers: the Classic ones, then the others, both
// sorted by name.
func (p *Plane) Traffic() []Traffic {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]Traffic, 0, len(p.balancers)+len(p.routers))
	for _, b := range p.balancers {
		all = append(all, b.traffic())
	}
	byName := func(a, b Traffic) int { return cmp.Compare(a.LoadBalancer, b.LoadBalancer) }
	slices.SortFunc(all, byName)
	for _, r := range p.routers {
		all = append(all, r.traffic())
	}
	slices.SortFunc(all[len(p.balancers):], byName)
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
	for _, r := range p.routers {
		r.listeners.set(nil)
	}
	for _, g := range p.groups {
		g.close()
	}
	p.machines.stop()
	p.mu.Unlock()
	p.runtime.probes.Wait()
	p.runtime.servers.Wait()
	return nil
}
