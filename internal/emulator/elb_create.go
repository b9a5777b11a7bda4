package emulator

import (
	"fmt"
	"slices"
	"time"
)

// maxListeners is AWS's quota of listeners a load balancer.
const maxListeners = 100

// DefaultDrainTime is how long an instance that leaves a load balancer with
// connection draining takes to finish its requests in flight, at most the
// draining timeout. (In AWS it takes as long as the requests do.)
const DefaultDrainTime = time.Second

// The settings of a new load balancer, from the API reference.
var (
	defaultHealthCheck = healthCheck{Target: "TCP:80", Interval: 30, Timeout: 5, UnhealthyThreshold: 2, HealthyThreshold: 10}
	defaultAttributes  = attributes{
		ConnectionDraining:   connectionDraining{Timeout: 300},
		ConnectionSettings:   connectionSettings{IdleTimeout: 60},
		AdditionalAttributes: list[additionalAttribute]{[]additionalAttribute{{"elb.http.desyncmitigationmode", "defensive"}}},
	}
)

func (w *world) createLoadBalancer(c call) (any, error) {
	wanted, err := w.newDesign(c.query, c.reading.now)
	if err != nil {
		return nil, err
	}
	tags := c.tags("Tags.member")
	if err := validTags(nil, tags); err != nil {
		return nil, err
	}
	if existing, err := w.balancer(wanted.name); err == nil {
		if !existing.latest().sameAs(wanted) {
			return nil, refusal("DuplicateLoadBalancerName", "Load Balancer named '%s' already exists and it is configured with different parameters.", wanted.name)
		}
		return &createLoadBalancerResult{existing.latest().dnsName}, nil
	}
	if w.active() >= w.maxLoadBalancers {
		return nil, refusal("TooManyLoadBalancers", "Exceeded quota of account %s", AccountID)
	}
	w.sweep(c.reading.now)
	w.addBalancer(&revision{since: c.reading.now, facts: facts{
		design:      wanted,
		healthCheck: firstHealthCheck(wanted.listeners),
		attributes:  defaultAttributes,
		tags:        withTags(nil, tags),
	}})
	return &createLoadBalancerResult{wanted.dnsName}, nil
}

// firstHealthCheck is a new load balancer's: it connects to the port of the
// first listener's instances.
func firstHealthCheck(listeners []listener) healthCheck {
	check := defaultHealthCheck
	check.Target = fmt.Sprintf("TCP:%d", listeners[0].InstancePort)
	return check
}

// newDesign reads what a load balancer is to be created with.
func (w *world) newDesign(q query, now time.Time) (*design, error) {
	name := q.text("LoadBalancerName")
	if err := validName(name); err != nil {
		return nil, err
	}
	listeners, err := newListeners(q.elements("Listeners.member"))
	if err != nil {
		return nil, err
	}
	zones, err := w.zonesFrom(q.list("AvailabilityZones.member"), q.list("Subnets.member"))
	if err != nil {
		return nil, err
	}
	scheme := q.text("Scheme")
	switch scheme {
	case "":
		scheme = schemeInternetFacing
	case schemeInternetFacing, schemeInternal:
	default:
		return nil, refusal("InvalidScheme", "The specified scheme is not valid: %s", scheme)
	}
	d := w.design(name, scheme, listeners, zones)
	if groups := q.list("SecurityGroups.member"); len(groups) > 0 {
		d.securityGroups = groups
	}
	d.created = now
	return d, nil
}

// design fills in what follows from the choices.
func (w *world) design(name, scheme string, listeners []listener, zones []string) *design {
	d := &design{
		name: name, scheme: scheme, listeners: listeners, zones: zones,
		dnsName:        w.dnsName(name, scheme),
		securityGroups: []string{SecurityGroupID},
		drainTime:      DefaultDrainTime,
	}
	for _, zone := range zones {
		d.subnets = append(d.subnets, subnetOf(zone))
	}
	return d
}

// zonesFrom returns the zones that a load balancer serves, sorted, from the one
// of the two lists that was given.
func (w *world) zonesFrom(zones, subnets []string) ([]string, error) {
	if len(zones) == 0 && len(subnets) == 0 {
		return nil, errValidation("Either AvailabilityZones or SubnetIds must be specified")
	}
	if len(zones) > 0 && len(subnets) > 0 {
		return nil, errValidation("Only one of SubnetIds or AvailabilityZones may be specified")
	}
	for _, zone := range zones {
		if !w.hasZone(zone) {
			return nil, errValidation("Invalid availability zone: %s", zone)
		}
	}
	for _, subnet := range subnets {
		zone, ok := w.zoneOf(subnet)
		if !ok {
			return nil, refusal("SubnetNotFound", "The subnet '%s' does not exist", subnet)
		}
		zones = append(zones, zone)
	}
	return slices.Compact(slices.Sorted(slices.Values(zones))), nil
}

// validName refuses a name that AWS would not accept for a load balancer.
func validName(name string) error {
	if name == "" {
		var v validation
		v.require(name, "loadBalancerName")
		return v.err()
	}
	if !loadBalancerNameForm.MatchString(name) {
		return errValidation("LoadBalancer name must be 1 to 32 letters, digits and hyphens, and must not begin or end with a hyphen: '%s'", name)
	}
	return nil
}

func (w *world) deleteLoadBalancer(c call) (any, error) {
	name := c.text("LoadBalancerName")
	if err := validName(name); err != nil {
		return nil, err
	}
	if b, err := w.balancer(name); err == nil { // deleting one that is not there succeeds
		b.add(&revision{since: c.reading.now, facts: b.latest().facts, deleted: true}, w.lag)
		w.sweep(c.reading.now)
	}
	return struct{}{}, nil
}
