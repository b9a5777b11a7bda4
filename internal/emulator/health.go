package emulator

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// health is what a load balancer says of an instance, in AWS's words.
type health struct {
	InstanceID  string `xml:"InstanceId" json:"instanceId"`
	State       string `json:"state"`
	ReasonCode  string `json:"reasonCode"`
	Description string `json:"description"`
}

// DefaultRegistrationDelay is how long it takes from registering a healthy
// instance until it is in service.
const DefaultRegistrationDelay = time.Second

// The descriptions are those of the Classic ELB API reference (InstanceState).
const (
	descriptionRegistering   = "Instance registration is still in progress."
	descriptionDraining      = "Instance deregistration currently in progress."
	descriptionNotRegistered = "Instance is not currently registered with the LoadBalancer."
	descriptionFailing       = "Instance has failed at least the UnhealthyThreshold number of health checks consecutively."
	descriptionWrongZone     = "Instance is in the EC2 Availability Zone for which LoadBalancer is not configured to route traffic to."
)

func inService(id, description string) health {
	return health{id, "InService", "N/A", description}
}

// outOfService blames the instance for being out of service.
func outOfService(id, description string) health {
	return health{id, "OutOfService", "Instance", description}
}

// registering blames the load balancer, which has not finished its part.
func registering(id string) health {
	return health{id, "OutOfService", "ELB", descriptionRegistering}
}

// memberHealth returns what a load balancer says of a member at a moment, and
// false for one that it says nothing of: terminated, though its id lingers.
func (w *world) memberHealth(r *revision, m member, t time.Time) (health, bool) {
	i, ok := w.instances[m.id]
	if !ok {
		return health{}, false
	}
	current, ok := i.stateAt(t)
	switch {
	case !ok || current.state == terminated || current.state == shuttingDown:
		return health{}, false
	case current.state == stopped || current.state == stopping:
		return outOfService(m.id, fmt.Sprintf("Instance is in %s state.", stopped)), true
	case !r.serves(i.zone):
		return outOfService(m.id, descriptionWrongZone), true
	case current.state == pending || t.Before(laterOf(m.since, current.at).Add(i.registrationDelay)):
		return registering(m.id), true
	case w.plane != nil:
		return w.probed(r.name, i), true
	case i.failing != "":
		return outOfService(m.id, i.failing), true
	default:
		return inService(m.id, "N/A"), true
	}
}

// draining reports whether requests in flight are finishing at a moment.
func (d departure) draining(t time.Time) bool { return !t.Before(d.at) && t.Before(d.drained) }

// departedHealth is what the load balancer says of an instance that has departed and
// has not come back.
func (w *world) departedHealth(loadBalancer, id string, d departure, t time.Time) health {
	if w.isDraining(loadBalancer, id, d, t) {
		return inService(id, descriptionDraining)
	}
	return outOfService(id, descriptionNotRegistered)
}

// membersHealth returns the health of all members, then of those that are being
// drained, sorted by id.
func (w *world) membersHealth(b *loadBalancer, r *revision, t time.Time) []health {
	all := make([]health, 0, len(r.members))
	for _, m := range r.members {
		if h, ok := w.memberHealth(r, m, t); ok {
			all = append(all, h)
		}
	}
	return append(all, w.drainingHealth(b, r, t)...)
}

// drainingHealth returns the health of the instances whose requests in flight are
// still finishing, sorted by id.
func (w *world) drainingHealth(b *loadBalancer, r *revision, t time.Time) []health {
	var all []health
	present := r.memberSet()
	for id, d := range b.departed {
		if _, back := present[id]; !back && w.isDraining(r.name, id, d, t) {
			all = append(all, inService(id, descriptionDraining))
		}
	}
	slices.SortFunc(all, func(a, b health) int { return cmp.Compare(a.InstanceID, b.InstanceID) })
	return all
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
