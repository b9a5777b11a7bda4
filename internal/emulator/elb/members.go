package elb

import (
	"maps"
	"slices"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/ec2"
	"lsapi/internal/emulator/wire"
)

// registerInstances registers all instances or none. As in AWS, it answers before the
// instances are in service.
func (s *Service) registerInstances(c wire.Call) (any, error) {
	b, ids, err := s.membershipCall(c)
	if err != nil {
		return nil, err
	}
	now := c.Time.Now
	for _, id := range ids {
		if err := s.checkRunning(id, now); err != nil {
			return nil, err
		}
	}
	present := b.latest().memberIDs()
	added := slices.DeleteFunc(ids, func(id string) bool { _, is := present[id]; return is })
	if len(present)+len(added) > MaxMembers {
		return nil, wire.ValidationFailed("A load balancer can have at most %d registered instances", MaxMembers)
	}
	if len(added) > 0 {
		s.attach(b, added, now)
	}
	return &instancesResult{memberInstances(b.latest().members)}, nil
}

func (s *Service) checkRunning(id string, now time.Time) error {
	i, ok := s.instances.Instance(id)
	if !ok {
		return errUnknownInstance(id)
	}
	current, ok := i.StateAt(now)
	switch {
	case !ok:
		return errUnknownInstance(id)
	case current.State != ec2.Running:
		return wire.BadRequest("InvalidInstance", "EC2 instance %s is not in running state.", id)
	}
	return nil
}

func (s *Service) attach(b *loadBalancer, ids []string, now time.Time) {
	s.record("attach", b.latest().name, ids, now)
	b.revise(now, s.account.Lag, func(st *state) {
		st.members = slices.Clone(st.members)
		for _, id := range ids {
			st.members = append(st.members, Member{id, now})
		}
	})
}

// deregisterInstances deregisters all instances or none. It succeeds for former members
// and fails for instances that never were members.
func (s *Service) deregisterInstances(c wire.Call) (any, error) {
	b, ids, err := s.membershipCall(c)
	if err != nil {
		return nil, err
	}
	present := b.latest().memberIDs()
	leaving := map[string]struct{}{}
	for _, id := range ids {
		_, is := present[id]
		_, was := b.departed[id]
		if !is && !was {
			return nil, errUnknownInstance(id)
		}
		if is {
			leaving[id] = struct{}{}
		}
	}
	if len(leaving) > 0 {
		s.detach(b, leaving, c.Time.Now)
	}
	return &instancesResult{memberInstances(b.latest().members)}, nil
}

func (s *Service) detach(b *loadBalancer, ids map[string]struct{}, now time.Time) {
	s.record("detach", b.latest().name, slices.Sorted(maps.Keys(ids)), now)
	drained := now.Add(b.latest().drainsFor())
	for id := range ids {
		b.departed[id] = departure{now, drained}
	}
	b.revise(now, s.account.Lag, func(st *state) {
		st.members = slices.DeleteFunc(slices.Clone(st.members), func(m Member) bool {
			_, leaves := ids[m.InstanceID]
			return leaves
		})
	})
}

// membershipCall returns the load balancer and the unique instance ids of a register or
// deregister call.
func (s *Service) membershipCall(c wire.Call) (*loadBalancer, []string, error) {
	var v wire.Validation
	name := c.Text("LoadBalancerName")
	v.Require(name, "loadBalancerName")
	ids := c.Column("Instances.member", "InstanceId")
	if len(ids) == 0 {
		v.Missing("instances")
	}
	if err := v.Err(); err != nil {
		return nil, nil, err
	}
	b, err := s.find(name)
	return b, wire.Unique(ids), err
}

// record adds changes to the history.
func (s *Service) record(action, loadBalancer string, ids []string, now time.Time) {
	for _, id := range ids {
		s.account.Record(account.MembershipChange{At: now, Action: action, LoadBalancer: loadBalancer, InstanceID: id})
	}
}
