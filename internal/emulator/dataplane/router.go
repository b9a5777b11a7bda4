package dataplane

import (
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"
)

// router is an Application or Network Load Balancer that carries traffic. Plane.mu guards
// its listeners.
type router struct {
	runtime   *runtime
	machines  *machines
	name      string
	network   bool
	metrics   zoneMetrics
	listeners *listeners
	requests  atomic.Uint64
	routes    atomic.Pointer[routes]
}

// routes are the rules of a router. They are immutable.
type routes struct {
	zones  []string
	idle   time.Duration
	byPort map[int][]route
}

// route is a rule with its target groups.
type route struct {
	Rule
	shares []share
	total  int // of the weights
}

type share struct {
	group  *group
	weight int
}

// apply applies the router's part of a plan. The caller holds Plane.mu.
func (r *router) apply(plan Router, groups map[string]*group) {
	next := &routes{zones: plan.Zones, idle: plan.Idle, byPort: make(map[int][]route)}
	configured := make([]Listener, len(plan.Listeners))
	for n, l := range plan.Listeners {
		configured[n] = l.Listener
		for _, rule := range l.Rules {
			next.byPort[l.Port] = append(next.byPort[l.Port], newRoute(rule, groups))
		}
	}
	r.routes.Store(next)
	r.listeners.set(configured)
}

func newRoute(rule Rule, groups map[string]*group) route {
	made := route{Rule: rule}
	for _, f := range rule.Forward {
		if g := groups[f.ARN]; g != nil {
			made.shares = append(made.shares, share{g, f.Weight})
			made.total += f.Weight
		}
	}
	return made
}

// match returns the rule that applies to a request to a port.
func (r *router) match(port int, request *http.Request) (route, bool) {
	for _, candidate := range r.routes.Load().byPort[port] {
		if candidate.matches(request) {
			return candidate, true
		}
	}
	return route{}, false
}

// groupFor returns the target group of a connection to a port, nil without one.
func (r *router) groupFor(port int) *group {
	for _, only := range r.routes.Load().byPort[port] {
		return only.choose()
	}
	return nil
}

// choose returns the target group of a request by weight, nil without one.
func (r route) choose() *group {
	if r.total == 0 {
		return nil
	}
	at := rand.IntN(r.total)
	for _, s := range r.shares {
		if at -= s.weight; at < 0 {
			return s.group
		}
	}
	return nil
}

// groups returns the target groups that the router forwards to.
func (r *router) groups() []*group {
	var all []*group
	present := make(map[*group]bool)
	for _, l := range r.listeners.list() {
		for _, rule := range r.routes.Load().byPort[l.Port] {
			for _, s := range rule.shares {
				if !present[s.group] {
					present[s.group] = true
					all = append(all, s.group)
				}
			}
		}
	}
	return all
}

// measure adds values of a zone. Values without a target, with the zone "", count for the
// router's first zone, as if its only node was there.
func (r *router) measure(zone string, values ...value) {
	if zones := r.routes.Load().zones; zone == "" && len(zones) > 0 {
		zone = zones[0]
	}
	r.metrics.add(zone, values...)
}

// traffic returns the current traffic. The caller holds Plane.mu.
func (r *router) traffic() Traffic {
	t := Traffic{LoadBalancer: r.name, Type: typeApplication, Listeners: r.listeners.list(), Members: []Load{}, Requests: r.requests.Load()}
	if r.network {
		t.Type = typeNetwork
	}
	for _, g := range r.groups() {
		t.Members = append(t.Members, g.loads(g.name)...)
	}
	return t
}
