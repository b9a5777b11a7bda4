package elb

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/emulator/ec2"
	"lsapi/internal/emulator/wire"
)

// The descriptions of the API reference (InstanceState).
const (
	descriptionRegistering   = "Instance registration is still in progress."
	descriptionDraining      = "Instance deregistration currently in progress."
	descriptionNotRegistered = "Instance is not currently registered with the LoadBalancer."
	descriptionFailing       = "Instance has failed at least the UnhealthyThreshold number of health checks consecutively."
	descriptionRecovering    = "Instance has not passed the configured HealthyThreshold number of health checks consecutively."
	descriptionWrongZone     = "Instance is in the EC2 Availability Zone for which LoadBalancer is not configured to route traffic to."
)

func inService(id, description string) MemberState {
	return MemberState{id, "InService", "N/A", description}
}

// outOfService has the reason code for a cause in the instance.
func outOfService(id, description string) MemberState {
	return MemberState{id, "OutOfService", "Instance", description}
}

// registering has the reason code for a cause in the load balancer.
func registering(id string) MemberState {
	return MemberState{id, "OutOfService", "ELB", descriptionRegistering}
}

func failing(i *ec2.Instance, reason string) MemberState {
	return outOfService(i.ID, cmp.Or(reason, descriptionFailing))
}

// describeInstanceHealth returns the health of the named instances, which must be
// present or former members, else of all members.
func (s *Service) describeInstanceHealth(c wire.Call) (any, error) {
	r, at, err := s.readNamed(c.Text("LoadBalancerName"), c.Time)
	if err != nil {
		return nil, err
	}
	b := s.balancers[r.name]
	ids := c.Column("Instances.member", "InstanceId")
	if len(ids) == 0 {
		return &describeInstanceHealthResult{wire.List[MemberState]{Members: s.membersHealth(b, r, at)}}, nil
	}
	states, err := s.namedHealth(b, r, wire.Unique(ids), at)
	return &describeInstanceHealthResult{wire.List[MemberState]{Members: states}}, err
}

func (s *Service) namedHealth(b *loadBalancer, r *revision, ids []string, t time.Time) ([]MemberState, error) {
	states := make([]MemberState, 0, len(ids))
	for _, id := range ids {
		if at := slices.IndexFunc(r.members, func(m Member) bool { return m.InstanceID == id }); at >= 0 {
			if h, ok := s.memberHealth(r, r.members[at], t); ok {
				states = append(states, h)
			}
			continue
		}
		d, was := b.departed[id]
		if !was {
			return nil, errUnknownInstance(id)
		}
		if s.isDraining(r.name, id, d, t) {
			states = append(states, inService(id, descriptionDraining))
		} else {
			states = append(states, outOfService(id, descriptionNotRegistered))
		}
	}
	return states, nil
}

// membersHealth returns the health of all members, then of the draining instances.
func (s *Service) membersHealth(b *loadBalancer, r *revision, t time.Time) []MemberState {
	all := make([]MemberState, 0, len(r.members))
	for _, m := range r.members {
		if h, ok := s.memberHealth(r, m, t); ok {
			all = append(all, h)
		}
	}
	for _, id := range s.draining(b, r, t) {
		all = append(all, inService(id, descriptionDraining))
	}
	return all
}

// memberHealth returns the health of a member at t. It returns false for a terminated
// instance, which AWS lists as a member without health.
func (s *Service) memberHealth(r *revision, m Member, t time.Time) (MemberState, bool) {
	i, ok := s.instances.Instance(m.InstanceID)
	if !ok {
		return MemberState{}, false
	}
	current, ok := i.StateAt(t)
	switch {
	case !ok || current.State == ec2.Terminated || current.State == ec2.ShuttingDown:
		return MemberState{}, false
	case current.State == ec2.Stopped || current.State == ec2.Stopping:
		return outOfService(i.ID, fmt.Sprintf("Instance is in %s state.", ec2.Stopped)), true
	case !r.serves(i.Zone):
		return outOfService(i.ID, descriptionWrongZone), true
	case current.State == ec2.Pending || t.Before(laterOf(m.Since, current.At).Add(i.RegistrationDelay)):
		return registering(i.ID), true
	}
	reason, fails := i.FailsOn(r.healthCheck.port())
	switch {
	case s.Plane != nil:
		return s.probedHealth(r.name, i, reason), true
	case fails:
		return failing(i, reason), true
	}
	return inService(i.ID, "N/A"), true
}

// probedHealth returns a member's health from the probes of the data plane. The reason for a
// failure can be empty.
func (s *Service) probedHealth(loadBalancer string, i *ec2.Instance, reason string) MemberState {
	switch s.Plane.Health(loadBalancer, i.ID) {
	case dataplane.InService:
		return inService(i.ID, "N/A")
	case dataplane.Failing:
		return failing(i, reason)
	case dataplane.Recovering:
		return outOfService(i.ID, descriptionRecovering)
	case dataplane.Registering:
	}
	return registering(i.ID)
}

// draining returns the former members with in-flight requests, sorted.
func (s *Service) draining(b *loadBalancer, r *revision, t time.Time) []string {
	ids := []string{}
	present := r.memberIDs()
	for id, d := range b.departed {
		if _, is := present[id]; !is && s.isDraining(r.name, id, d, t) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// isDraining reports whether requests to a former member are in flight at t.
func (s *Service) isDraining(loadBalancer, id string, d departure, t time.Time) bool {
	if s.Plane != nil {
		return !t.Before(d.at) && s.Plane.InFlight(loadBalancer, id) > 0
	}
	return !t.Before(d.at) && t.Before(d.drained)
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
