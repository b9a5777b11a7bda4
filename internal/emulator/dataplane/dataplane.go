// Package dataplane makes emulated load balancers carry traffic: ports that listen,
// instances that answer, health checks that are made, draining that lets requests
// finish, a surge queue, and the metrics of all that.
//
// What there is to carry out is a Plan, which Apply takes in at once: when it returns,
// no new request goes to an instance that the plan no longer has as a member.
package dataplane

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Plan is what there is: all load balancers and the instances that are or were members
// of one.
type Plan struct {
	LoadBalancers []LoadBalancer
	Instances     []Instance
}

// LoadBalancer is a load balancer of a Plan.
type LoadBalancer struct {
	Name string
	// Zones are those in which it takes requests, for the metrics of each zone.
	Zones     []string
	Listeners []Listener
	Check     HealthCheck
	// Idle is how long a connection may be silent.
	Idle time.Duration
	// Drain is how long requests in flight may take when a member leaves; 0 cuts them
	// off.
	Drain   time.Duration
	Members []Member
}

// Listener is a port of a load balancer and the instances' port behind it. Those of
// other protocols than HTTP and TCP carry nothing.
type Listener struct {
	Protocol           string
	Port, InstancePort int
}

// HealthCheck is how members are probed.
type HealthCheck struct {
	// Target is TCP:port, SSL:port, HTTP:port/path or HTTPS:port/path. Instances speak
	// no TLS: of SSL and HTTPS it is looked whether the port can be connected to.
	Target             string
	Interval, Timeout  time.Duration
	Unhealthy, Healthy int // in a row, until it counts
}

// Member is an instance that is registered.
type Member struct {
	InstanceID string
	Zone       string
	// Since is when it was registered or last started: one that differs is another
	// member.
	Since time.Time
	// Ready is when it is probed first.
	Ready time.Time
	// Served is whether the load balancer sends requests to its zone.
	Served bool
}

// Instance is an instance of a Plan.
type Instance struct {
	ID string
	// Number tells instances apart; it makes the address.
	Number uint64
	// Running is whether it answers. Failing is whether its health checks fail
	// whatever it answers.
	Running, Failing bool
}

// Health is what probes have found out about a member.
type Health int

// The states of a member.
const (
	Registering Health = iota // it was not probed yet
	InService
	Failing    // it did not pass its last probes
	Recovering // it passes them again, not yet often enough
)

// Options say how traffic is carried. The zero value is one without limits.
type Options struct {
	// Concurrency is how many requests each member serves at a time; 0 is any number.
	Concurrency int
	// Backends are the addresses, host:port, at which instances answer that are not to
	// be emulated, by instance.
	Backends map[string]string
	// Log is told what happens to listeners and members. Default: nothing is.
	Log *slog.Logger
}

// Plane carries the traffic. It is safe for concurrent use; Close ends it.
type Plane struct {
	o Options

	mu        sync.Mutex
	closed    bool
	balancers map[string]*balancer
	machines  map[string]*machine

	base    context.Context //nolint:containedctx // it is not a request's: it ends with Close
	cancel  context.CancelFunc
	probing sync.WaitGroup
	servers sync.WaitGroup
}

// New returns a Plane that carries nothing yet.
func New(o Options) *Plane {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p := &Plane{o: o, balancers: make(map[string]*balancer), machines: make(map[string]*machine)}
	p.base, p.cancel = context.WithCancel(context.Background())
	return p
}

// Apply makes the plan the one that is carried out.
func (p *Plane) Apply(plan Plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	for _, i := range plan.Instances {
		p.machine(i.ID, i.Number).set(i)
	}
	kept := make(map[string]bool, len(plan.LoadBalancers))
	for _, lb := range plan.LoadBalancers {
		kept[lb.Name] = true
		b := p.balancers[lb.Name]
		if b == nil {
			b = newBalancer(p, lb.Name)
			p.balancers[lb.Name] = b
		}
		for _, m := range lb.Members {
			p.machine(m.InstanceID, 0).open(portsOf(lb))
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

// portsOf returns the ports at which the load balancer asks its members.
func portsOf(lb LoadBalancer) []int {
	var ports []int
	for _, l := range lb.Listeners {
		ports = append(ports, l.InstancePort)
	}
	if t, err := parseTarget(lb.Check.Target); err == nil {
		ports = append(ports, t.port)
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// machine returns an instance's machine. The caller holds mu.
func (p *Plane) machine(id string, number uint64) *machine {
	m := p.machines[id]
	if m == nil {
		m = newMachine(p, id, number)
		p.machines[id] = m
	}
	return m
}

// Health returns what is known of a member.
func (p *Plane) Health(loadBalancer, instanceID string) Health {
	p.mu.Lock()
	b := p.balancers[loadBalancer]
	p.mu.Unlock()
	if b == nil {
		return Registering
	}
	return b.healthOf(instanceID)
}

// InFlight returns how many requests to an instance that has left a load balancer have
// not finished.
func (p *Plane) InFlight(loadBalancer, instanceID string) int {
	p.mu.Lock()
	b := p.balancers[loadBalancer]
	p.mu.Unlock()
	if b == nil {
		return 0
	}
	return b.leavingOf(instanceID)
}

// SetAlive makes an instance of the plan die, which EC2 does not notice, or answer again.
func (p *Plane) SetAlive(instanceID string, alive bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m := p.machines[instanceID]; m != nil {
		m.setAlive(alive)
	}
}

// Killed reports whether SetAlive has made an instance die.
func (p *Plane) Killed(instanceID string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.machines[instanceID]
	return m != nil && m.isKilled()
}

// Traffic is what a load balancer does now.
type Traffic struct {
	LoadBalancer string         `json:"loadBalancer"`
	Listeners    []OpenListener `json:"listeners"`
	Members      []Load         `json:"members"`
	// Waiting is how many requests are in the surge queue; Spilled and Requests count
	// since the start.
	Waiting  int    `json:"waiting"`
	Spilled  uint64 `json:"spilled"`
	Requests uint64 `json:"requests"`
}

// OpenListener is a listener and where it listens on this machine.
type OpenListener struct {
	Protocol string `json:"protocol"`
	Port     int    `json:"port"`
	// URL is empty when it does not listen; Problem says why.
	URL     string `json:"url,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// Load is a member, or an instance that is being drained, and what it does.
type Load struct {
	InstanceID string   `json:"instanceId"`
	Addresses  []string `json:"addresses"`
	InService  bool     `json:"inService"`
	Draining   bool     `json:"draining,omitempty"`
	InFlight   int      `json:"inFlight"`
}

// Traffic returns what each load balancer does, by name.
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

// Close ends all traffic. Requests under way are cut off.
func (p *Plane) Close() error {
	p.mu.Lock()
	p.closed = true
	p.cancel()
	for _, b := range p.balancers {
		b.close()
	}
	for _, m := range p.machines {
		m.set(Instance{ID: m.id})
	}
	p.mu.Unlock()
	p.probing.Wait()
	p.servers.Wait()
	return nil
}

// serve runs a server until it is closed.
func (p *Plane) serve(run func() error, what string) {
	p.servers.Go(func() {
		if err := run(); err != nil && !errors.Is(err, http.ErrServerClosed) {
			p.o.Log.Warn("a port of the data plane does not listen any more", "port", what, "error", err)
		}
	})
}
