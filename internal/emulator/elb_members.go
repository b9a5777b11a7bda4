package emulator

import (
	"maps"
	"slices"
	"time"
)

// maxMembers is AWS's quota of instances a load balancer.
const maxMembers = 1000

// registerInstances makes instances members. AWS answers once it has accepted;
// that the instances come into service takes longer. One instance that cannot
// be registered fails the whole batch.
func (w *world) registerInstances(c call) (any, error) {
	b, ids, err := w.membershipCall(c)
	if err != nil {
		return nil, err
	}
	now := c.reading.now
	for _, id := range ids {
		if err := w.registrable(id, now); err != nil {
			return nil, err
		}
	}
	present := b.latest().memberSet()
	newcomers := slices.DeleteFunc(ids, func(id string) bool { _, is := present[id]; return is })
	if len(present)+len(newcomers) > maxMembers {
		return nil, errValidation("A load balancer can have at most %d registered instances", maxMembers)
	}
	if len(newcomers) > 0 {
		w.join(b, newcomers, now)
	}
	return &instancesResult{memberInstances(b.latest().members)}, nil
}

// registrable refuses an instance that is unknown or does not run.
func (w *world) registrable(id string, now time.Time) error {
	i, ok := w.instances[id]
	if !ok {
		return errUnknownMember(id)
	}
	current, known := i.stateAt(now)
	switch {
	case !known:
		return errUnknownMember(id)
	case current.state != running:
		return errMemberNotRunning(id)
	}
	return nil
}

func (w *world) join(b *loadBalancer, ids []string, now time.Time) {
	w.record("attach", b.latest().name, ids, now)
	b.revise(now, w.lag, func(f *facts) {
		f.members = slices.Clone(f.members)
		for _, id := range ids {
			f.members = append(f.members, member{id, now})
		}
	})
}

// deregisterInstances ends memberships. It succeeds for an instance that has
// already left, and fails the whole batch for one that never was a member.
func (w *world) deregisterInstances(c call) (any, error) {
	b, ids, err := w.membershipCall(c)
	if err != nil {
		return nil, err
	}
	present := b.latest().memberSet()
	leaving := map[string]struct{}{}
	for _, id := range ids {
		_, is := present[id]
		_, was := b.departed[id]
		if !is && !was {
			return nil, errUnknownMember(id)
		}
		if is {
			leaving[id] = struct{}{}
		}
	}
	if len(leaving) > 0 {
		w.part(b, leaving, c.reading.now)
	}
	return &instancesResult{memberInstances(b.latest().members)}, nil
}

func (w *world) part(b *loadBalancer, ids map[string]struct{}, now time.Time) {
	w.record("detach", b.latest().name, slices.Sorted(maps.Keys(ids)), now)
	drained := now.Add(b.latest().drainsFor())
	b.revise(now, w.lag, func(f *facts) {
		f.members = slices.DeleteFunc(slices.Clone(f.members), func(m member) bool {
			_, leaves := ids[m.id]
			return leaves
		})
		for id := range ids {
			b.departed[id] = departure{now, drained}
		}
	})
}

// drainsFor returns how long an instance that leaves now is drained.
func (f *facts) drainsFor() time.Duration {
	if !f.attributes.ConnectionDraining.Enabled {
		return 0
	}
	return min(f.drainTime, time.Duration(f.attributes.ConnectionDraining.Timeout)*time.Second)
}

// membershipCall reads what register and deregister have in common: the load
// balancer and the instances, without repetitions.
func (w *world) membershipCall(c call) (*loadBalancer, []string, error) {
	var v validation
	name := c.text("LoadBalancerName")
	v.require(name, "loadBalancerName")
	ids := c.column("Instances.member", "InstanceId")
	if len(ids) == 0 {
		v.fail(nil, "instances", "Member must not be null")
	}
	if err := v.err(); err != nil {
		return nil, nil, err
	}
	b, err := w.balancer(name)
	return b, unique(ids), err
}

// describeInstanceHealth tells how members are, or how the named instances are,
// which must be members or have been.
func (w *world) describeInstanceHealth(c call) (any, error) {
	name := c.text("LoadBalancerName")
	if err := validName(name); err != nil {
		return nil, err
	}
	r := w.seen(name, c.reading)
	if r == nil {
		return nil, errLoadBalancerNotFound(name)
	}
	b := w.balancers[name]
	moment := b.seen
	ids := c.column("Instances.member", "InstanceId")
	if len(ids) == 0 {
		return &describeInstanceHealthResult{list[health]{w.membersHealth(b, r, moment)}}, nil
	}
	states, err := w.namedHealth(b, r, unique(ids), moment)
	return &describeInstanceHealthResult{list[health]{states}}, err
}

// namedHealth returns the health of the named instances, in their order.
func (w *world) namedHealth(b *loadBalancer, r *revision, ids []string, t time.Time) ([]health, error) {
	states := make([]health, 0, len(ids))
	for _, id := range ids {
		if at := slices.IndexFunc(r.members, func(m member) bool { return m.id == id }); at >= 0 {
			if h, ok := w.memberHealth(r, r.members[at], t); ok {
				states = append(states, h)
			}
			continue
		}
		d, once := b.departed[id]
		if !once {
			return nil, errUnknownMember(id)
		}
		states = append(states, w.departedHealth(r.name, id, d, t))
	}
	return states, nil
}

// unique returns the values without repetitions, in the order of their first.
func unique(values []string) []string {
	met := make(map[string]struct{}, len(values))
	return slices.DeleteFunc(values, func(value string) bool {
		_, again := met[value]
		met[value] = struct{}{}
		return again
	})
}
