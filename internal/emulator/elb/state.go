package elb

import (
	"slices"
	"time"

	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/emulator/ec2"
)

// LoadBalancerState is the actual state of a load balancer.
type LoadBalancerState struct {
	Name     string        `json:"name"`
	DNSName  string        `json:"dnsName"`
	Members  []MemberState `json:"members"`  // in the order of registration; without health if terminated
	Draining []string      `json:"draining"` // former members with in-flight requests
}

// State returns all load balancers, sorted by name.
func (s *Service) State(now time.Time) []LoadBalancerState {
	all := []LoadBalancerState{}
	for _, name := range s.names {
		b := s.balancers[name]
		r := b.latest()
		if r == nil {
			continue
		}
		lb := LoadBalancerState{r.name, r.dnsName, make([]MemberState, 0, len(r.members)), s.draining(b, r, now)}
		for _, m := range r.members {
			h, _ := s.memberHealth(r, m, now)
			h.InstanceID = m.InstanceID
			lb.Members = append(lb.Members, h)
		}
		all = append(all, lb)
	}
	return all
}

// Members returns the ids of a load balancer's actual members, sorted; nil when it does
// not exist.
func (s *Service) Members(loadBalancer string) []string {
	b, err := s.find(loadBalancer)
	if err != nil {
		return nil
	}
	ids := make([]string, 0, len(b.latest().members))
	for _, m := range b.latest().members {
		ids = append(ids, m.InstanceID)
	}
	slices.Sort(ids)
	return ids
}

// Balancers returns the load balancers for EC2.
func (s *Service) Balancers() []ec2.Balancer {
	var all []ec2.Balancer
	for _, name := range s.names {
		if r := s.balancers[name].latest(); r != nil {
			all = append(all, ec2.Balancer{Description: "ELB " + r.name, Type: ec2.BalancerInterface, Zones: r.zones, SecurityGroups: r.securityGroups, Created: r.createdAt})
		}
	}
	return all
}

// Plan returns the load balancers for a data plane.
func (s *Service) Plan(now time.Time) []dataplane.LoadBalancer {
	var all []dataplane.LoadBalancer
	for _, name := range s.names {
		if r := s.balancers[name].latest(); r != nil {
			all = append(all, s.plan(r, now))
		}
	}
	return all
}

func (s *Service) plan(r *revision, now time.Time) dataplane.LoadBalancer {
	lb := dataplane.LoadBalancer{
		Name:  r.name,
		Zones: r.zones,
		Idle:  seconds(r.attributes.ConnectionSettings.IdleTimeout),
		Check: dataplane.HealthCheck{
			Target: r.healthCheck.Target, Interval: seconds(r.healthCheck.Interval), Timeout: seconds(r.healthCheck.Timeout),
			Unhealthy: r.healthCheck.UnhealthyThreshold, Healthy: r.healthCheck.HealthyThreshold,
		},
	}
	lb.Stickiness, lb.ProxyPorts = r.stickiness(), r.proxyPorts()
	if r.attributes.ConnectionDraining.Enabled {
		lb.Drain = seconds(r.attributes.ConnectionDraining.Timeout)
	}
	for _, l := range r.listeners {
		lb.Listeners = append(lb.Listeners, dataplane.Listener{Protocol: l.Protocol, Port: l.LoadBalancerPort, InstancePort: l.InstancePort})
	}
	for _, m := range r.members {
		i, ok := s.instances.Instance(m.InstanceID)
		if !ok {
			continue // terminated long ago, and still a member
		}
		current, _ := i.StateAt(now)
		since := laterOf(m.Since, current.At)
		lb.Members = append(lb.Members, dataplane.Member{
			InstanceID: i.ID, Zone: i.Zone, Since: since, Ready: since.Add(i.RegistrationDelay), Served: r.serves(i.Zone),
		})
	}
	return lb
}

// Draining returns the connection draining of a load balancer: the timeout, 0 when it is
// off, and false when the load balancer does not exist.
func (s *Service) Draining(loadBalancer string) (timeout time.Duration, ok bool) {
	b, err := s.find(loadBalancer)
	if err != nil {
		return 0, false
	}
	draining := b.latest().attributes.ConnectionDraining
	if !draining.Enabled {
		return 0, true
	}
	return seconds(draining.Timeout), true
}

// SetDrainTime sets how long in-flight requests take when an instance is deregistered
// from an existing load balancer.
func (s *Service) SetDrainTime(loadBalancer string, lasts time.Duration, now time.Time) {
	s.balancers[loadBalancer].revise(now, s.account.Lag, func(st *state) { st.drainTime = lasts })
}
