package emulator

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// longAgo is when instances were launched that don't say when.
var longAgo = time.Date(2024, time.January, 15, 9, 30, 0, 0, time.UTC)

const defaultFleetType = "t3.micro"

// settle puts a fleet into an empty world. epoch is a moment that every reading
// can see.
func (w *world) settle(f Fleet, epoch time.Time) {
	w.order = make([]*instance, 0, len(f.Instances))
	for _, i := range f.Instances {
		w.addInstance(w.settled(i, epoch))
	}
	slow := slowMembers(f)
	for _, b := range f.LoadBalancers {
		w.balancers[b.Name] = &loadBalancer{
			revisions: []*revision{{facts: w.factsOf(b, slow, epoch)}},
			departed:  map[string]departure{},
		}
		w.names = append(w.names, b.Name)
	}
	slices.Sort(w.names)
}

func (w *world) settled(i Instance, epoch time.Time) *instance {
	made := &instance{
		id:                i.ID,
		image:             ImageID,
		kind:              cmp.Or(i.Type, defaultFleetType),
		zone:              w.region + cmp.Or(i.Zone, zoneLetters[:1]),
		tags:              tagsFrom(i.Tags),
		startDelay:        cmp.Or(i.StartDelay, w.startDelay),
		registrationDelay: cmp.Or(i.RegistrationDelay, w.registrationDelay),
		life:              lifeOf(i, epoch),
	}
	if i.Healthy != nil && !*i.Healthy {
		made.failing = cmp.Or(i.Description, descriptionFailing)
	}
	return made
}

// lifeOf returns what an instance has gone through by the epoch.
func lifeOf(i Instance, epoch time.Time) []transition {
	launched := i.Launched
	if launched.IsZero() {
		launched = longAgo
	}
	if launched.After(epoch) {
		launched = epoch
	}
	state, _ := fleetState(i.State)
	switch {
	case i.State == stateGone:
		return []transition{{launched, terminated}, {epoch.Add(-terminatedVisible), terminated}}
	case state == terminated || state == shuttingDown:
		return []transition{{launched, running}, {epoch, state}}
	default:
		return []transition{{launched, state}}
	}
}

// slowMembers returns the ids of the instances with a registration delay of
// their own, which the emulator starts registering.
func slowMembers(f Fleet) map[string]struct{} {
	slow := map[string]struct{}{}
	for _, i := range f.Instances {
		if i.RegistrationDelay > 0 {
			slow[i.ID] = struct{}{}
		}
	}
	return slow
}

func (w *world) factsOf(b LoadBalancer, slow map[string]struct{}, epoch time.Time) facts {
	var zones []string
	for _, letter := range b.Zones {
		zones = append(zones, w.region+letter)
	}
	if len(zones) == 0 {
		zones = []string{w.region + "a", w.region + "b"}
	}
	d := w.design(b.Name, cmp.Or(b.Scheme, schemeInternetFacing), b.listeners(), zones)
	d.created = longAgo
	if b.Draining != nil && b.Draining.Lasts > 0 {
		d.drainTime = b.Draining.Lasts
	}
	members := make([]member, len(b.Members))
	for n, id := range b.Members {
		members[n].id = id
		if _, ok := slow[id]; ok {
			members[n].since = epoch.Add(w.lag)
		}
	}
	return facts{d, b.healthCheck(), b.attributes(), tagsFrom(b.Tags), members}
}

func (b LoadBalancer) listeners() []listener {
	if len(b.Listeners) == 0 {
		return []listener{{Protocol: "HTTP", LoadBalancerPort: 80, InstanceProtocol: "HTTP", InstancePort: 80}}
	}
	listeners := make([]listener, len(b.Listeners))
	for n, l := range b.Listeners {
		listeners[n] = l.wire()
	}
	return listeners
}

func (l Listener) wire() listener {
	wire := listener{l.Protocol, l.Port, l.InstanceProtocol, l.InstancePort, l.Certificate}
	wire.complete()
	return wire
}

func (b LoadBalancer) healthCheck() healthCheck {
	check := firstHealthCheck(b.listeners())
	if b.HealthCheck == nil {
		return check
	}
	h := *b.HealthCheck
	return healthCheck{
		Target:             cmp.Or(h.Target, check.Target),
		Interval:           cmp.Or(seconds(h.Interval), check.Interval),
		Timeout:            cmp.Or(seconds(h.Timeout), check.Timeout),
		UnhealthyThreshold: cmp.Or(h.UnhealthyThreshold, check.UnhealthyThreshold),
		HealthyThreshold:   cmp.Or(h.HealthyThreshold, check.HealthyThreshold),
	}
}

func (b LoadBalancer) attributes() attributes {
	a := defaultAttributes
	a.CrossZoneLoadBalancing.Enabled = b.CrossZone
	if b.Draining != nil {
		a.ConnectionDraining.Enabled = true
		a.ConnectionDraining.Timeout = cmp.Or(seconds(b.Draining.Timeout), a.ConnectionDraining.Timeout)
	}
	return a
}

// seconds rounds up, so that a positive duration stays positive.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// fleetState returns the state that a fleet's word stands for.
func fleetState(word string) (instanceState, bool) {
	switch word {
	case "":
		return running, true
	case stateGone:
		return terminated, true
	}
	for state, name := range stateNames {
		if name == word {
			return state, true
		}
	}
	return 0, false
}

// fleetStates returns the words for states that a fleet may use.
func fleetStates() []string {
	return append(slices.Sorted(maps.Values(stateNames)), stateGone)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
