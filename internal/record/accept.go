package record

import (
	"cmp"
	"slices"

	"lsapi"
)

// accept turns an event into its payload, without a number. It refuses
// what no event may say.
func accept(loadBalancer string, event lsapi.Event) (*payload, error) {
	p := &payload{LoadBalancer: loadBalancer, At: Exact(event.At), Kind: event.Kind, Since: Exact(event.Since), Until: Exact(event.Until)}
	switch event.Kind {
	case lsapi.EventIntended, lsapi.EventCompleted, lsapi.EventResolved:
		if err := p.acceptChange(event); err != nil {
			return nil, err
		}
	case lsapi.EventObserved:
		if err := p.acceptObservation(event); err != nil {
			return nil, err
		}
	case lsapi.EventHealth:
		if err := p.acceptHealth(event); err != nil {
			return nil, err
		}
	case lsapi.EventCheckpoint:
		p.Members = make(Members, len(event.Members))
		for _, instance := range event.Members {
			p.Members[instance] = 0
		}
	default:
		return nil, Contradiction("an event has the unknown kind %q", event.Kind)
	}
	return p, nil
}

func (p *payload) acceptChange(event lsapi.Event) error {
	c := event.Change
	id, ok := ParseID(c.ID)
	if !ok {
		return Contradiction("the change id %q is no UUID of version 7", c.ID)
	}
	if c.Action != lsapi.Attach && c.Action != lsapi.Detach || c.InstanceID == "" {
		return Contradiction("change %s is to %q the instance %q", c.ID, c.Action, c.InstanceID)
	}
	if c.LoadBalancer != "" && c.LoadBalancer != p.LoadBalancer {
		return Contradiction("change %s is of load balancer %s, not of %s", c.ID, c.LoadBalancer, p.LoadBalancer)
	}
	if intended := event.Kind == lsapi.EventIntended; intended != (c.Outcome == "") {
		return Contradiction("change %s is %s with the outcome %q", c.ID, event.Kind, c.Outcome)
	}
	told := changePayloadOf(c)
	p.Change = &told
	p.At = Latest(p.At, IntendedAt(id)) // pruning goes by it: a change's events do not precede it
	return nil
}

func (p *payload) acceptObservation(event lsapi.Event) error {
	if len(event.Added)+len(event.Removed) == 0 || event.Until.IsZero() {
		return Contradiction("an observed event needs instances, and the time of the look")
	}
	p.At = Latest(p.At, p.Until)
	var err error
	if p.Added, err = named(event, event.Added); err == nil {
		p.Removed, err = named(event, event.Removed)
	}
	return err
}

func (p *payload) acceptHealth(event lsapi.Event) error {
	if len(event.Health)+len(event.Drained) == 0 {
		return Contradiction("a health event needs instances")
	}
	spoken := make(map[string]bool, len(event.Health)+len(event.Drained))
	speak := func(instance string) error {
		if instance == "" || spoken[instance] {
			return Contradiction("a health event speaks of the instance %q, or twice of it", instance)
		}
		spoken[instance] = true
		return nil
	}
	for _, h := range event.Health {
		if err := speak(h.InstanceID); err != nil {
			return err
		}
		if h.State == "" {
			return Contradiction("a health event gives instance %s no state", h.InstanceID)
		}
		p.Health = append(p.Health, NewHealthPayload(h))
	}
	for _, instance := range event.Drained {
		if err := speak(instance); err != nil {
			return err
		}
	}
	p.Drained = slices.Sorted(slices.Values(event.Drained))
	slices.SortFunc(p.Health, func(a, b HealthPayload) int { return cmp.Compare(a.InstanceID, b.InstanceID) })
	return nil
}

// named gives each instance the id of the external change that it is about.
func named(event lsapi.Event, instances []string) (map[string]string, error) {
	if len(instances) == 0 {
		return nil, nil
	}
	ids := make(map[string]string, len(instances))
	for _, instance := range instances {
		id, err := newID(event.Until)
		if err != nil {
			return nil, err
		}
		ids[instance] = id.String()
	}
	return ids, nil
}
