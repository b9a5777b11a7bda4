package emulator

import (
	"cmp"
	"slices"
	"time"
)

// State is what the emulator truly holds, lag or no lag.
type State struct {
	LoadBalancers []LoadBalancerState `json:"loadBalancers"` // by name
	Instances     []InstanceState     `json:"instances"`     // in the order of their creation
}

// LoadBalancerState is a load balancer with its members.
type LoadBalancerState struct {
	Name    string        `json:"name"`
	DNSName string        `json:"dnsName"`
	Members []MemberState `json:"members"` // in the order of their registration
	// Draining are the instances that have left and still finish requests.
	Draining []string `json:"draining"`
}

// MemberState is a member with its health, in DescribeInstanceHealth's words;
// empty when AWS says nothing of it, because it is terminated.
type MemberState struct {
	InstanceID  string `json:"instanceId"`
	State       string `json:"state"`
	ReasonCode  string `json:"reasonCode"`
	Description string `json:"description"`
}

// InstanceState is an instance that EC2 knows.
type InstanceState struct {
	InstanceID       string    `json:"instanceId"`
	InstanceType     string    `json:"instanceType"`
	State            string    `json:"state"`
	LaunchTime       time.Time `json:"launchTime"`
	AvailabilityZone string    `json:"availabilityZone"`
}

// State returns what the emulator holds now.
func (e *Emulator) State() State {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.world.state(e.clock.Now())
}

func (w *world) state(now time.Time) State {
	s := State{LoadBalancers: []LoadBalancerState{}, Instances: []InstanceState{}}
	for _, name := range w.names {
		b := w.balancers[name]
		if !b.latest().deleted {
			s.LoadBalancers = append(s.LoadBalancers, w.balancerState(b, now))
		}
	}
	for _, i := range w.order {
		if current, ok := i.stateAt(now); ok {
			s.Instances = append(s.Instances, InstanceState{i.id, i.kind, current.state.String(), i.launchAt(now).UTC(), i.zone})
		}
	}
	return s
}

func (w *world) balancerState(b *loadBalancer, now time.Time) LoadBalancerState {
	r := b.latest()
	s := LoadBalancerState{r.name, r.dnsName, make([]MemberState, 0, len(r.members)), []string{}}
	for _, m := range r.members {
		h, _ := w.memberHealth(r, m, now)
		s.Members = append(s.Members, MemberState{m.id, h.State, h.ReasonCode, h.Description})
	}
	for _, h := range w.drainingHealth(b, r, now) {
		s.Draining = append(s.Draining, h.InstanceID)
	}
	return s
}

// Members returns the ids of a load balancer's members as they truly are,
// sorted; nil when there is no such load balancer.
func (e *Emulator) Members(loadBalancer string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	b, err := e.world.balancer(loadBalancer)
	if err != nil {
		return nil
	}
	ids := make([]string, 0, len(b.latest().members))
	for _, m := range b.latest().members {
		ids = append(ids, m.id)
	}
	slices.SortFunc(ids, cmp.Compare)
	return ids
}
