package elb

import (
	"encoding/xml"
	"slices"
	"sync"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

// The schemes of a load balancer.
const (
	SchemeInternetFacing = "internet-facing"
	SchemeInternal       = "internal"
)

// loadBalancer is a load balancer, deleted ones included while a read can show them.
type loadBalancer struct {
	versions account.Versions[*revision]

	// departed holds the last departure of every former member. Deregistering a former
	// member succeeds; deregistering an instance that never was a member fails.
	departed map[string]departure
}

// departure is the deregistration of an instance. In-flight requests finish until
// drained.
type departure struct {
	at      time.Time
	drained time.Time
}

// revision is the state of a load balancer between two changes. It is immutable, so it
// is read without a lock, and its XML is encoded once.
type revision struct {
	state

	encode  sync.Once
	encoded []byte
	failed  error
}

// state is what a change copies. The elements of its slices are immutable.
type state struct {
	*creation
	listeners      []Listener
	zones          []string // sorted; each has one subnet
	securityGroups []string
	healthCheck    HealthCheck
	attributes     Attributes
	drainTime      time.Duration // how long in-flight requests take; draining cuts it at its timeout
	tags           []account.Tag
	members        []Member
	policies       []policy
	// Names of policies by the ports of listeners and by instance ports. The maps are
	// immutable.
	listenerPolicies, instancePolicies map[int][]string
}

// creation is the part of the state that is set at creation and never changes.
type creation struct {
	name      string
	dnsName   string
	scheme    string
	createdAt time.Time
}

// sameSettings reports whether both have the same parameters of CreateLoadBalancer.
func (s *state) sameSettings(other *state) bool {
	return s.scheme == other.scheme &&
		slices.Equal(s.listeners, other.listeners) &&
		slices.Equal(s.zones, other.zones) &&
		slices.Equal(s.securityGroups, other.securityGroups)
}

// subnets returns the subnets of the zones, in the same order.
func (s *state) subnets() []string {
	subnets := make([]string, len(s.zones))
	for n, zone := range s.zones {
		subnets[n] = account.SubnetOf(zone)
	}
	return subnets
}

// Member is a registered instance.
type Member struct {
	InstanceID string
	Since      time.Time
}

// serves reports whether the load balancer routes requests to a zone.
func (s *state) serves(zone string) bool { return slices.Contains(s.zones, zone) }

func (s *state) memberIDs() map[string]struct{} {
	ids := make(map[string]struct{}, len(s.members))
	for _, m := range s.members {
		ids[m.InstanceID] = struct{}{}
	}
	return ids
}

// drainsFor returns how long an instance that is deregistered now drains.
func (s *state) drainsFor() time.Duration {
	if !s.attributes.ConnectionDraining.Enabled {
		return 0
	}
	return min(s.drainTime, seconds(s.attributes.ConnectionDraining.Timeout))
}

// latest returns the actual state, nil when the load balancer is deleted.
func (b *loadBalancer) latest() *revision {
	r, _ := b.versions.Latest()
	return r
}

// revise changes the latest state.
func (b *loadBalancer) revise(now time.Time, lag time.Duration, change func(*state)) {
	next := &revision{state: b.latest().state}
	change(&next.state)
	b.versions.Set(next, now, lag)
}

// MarshalXML writes the description in DescribeLoadBalancers.
func (r *revision) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	r.encode.Do(func() { r.encoded, r.failed = wire.EncodeFields(describe(&r.state)) })
	if r.failed != nil {
		return r.failed
	}
	return e.EncodeElement(wire.Fragment{XML: r.encoded}, start)
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

const hostedZoneID = "Z35SXDOTRQ7X7K" // of Classic load balancers in us-east-1

// describe returns the description in DescribeLoadBalancers.
func describe(s *state) loadBalancerDescription {
	d := loadBalancerDescription{
		LoadBalancerName:          s.name,
		DNSName:                   s.dnsName,
		CanonicalHostedZoneNameID: hostedZoneID,
		AvailabilityZones:         wire.List[string]{Members: s.zones},
		Subnets:                   wire.List[string]{Members: s.subnets()},
		VPCID:                     account.VPCID,
		Instances:                 memberInstances(s.members),
		HealthCheck:               s.healthCheck,
		SourceSecurityGroup:       sourceSecurityGroup{account.ID, account.SecurityGroupName(s.securityGroups[0])},
		SecurityGroups:            wire.List[string]{Members: s.securityGroups},
		CreatedTime:               wire.Timestamp(s.createdAt),
		Scheme:                    s.scheme,
	}
	if s.scheme == SchemeInternetFacing {
		d.CanonicalHostedZoneName = s.dnsName
	}
	for _, l := range s.listeners {
		d.ListenerDescriptions.Members = append(d.ListenerDescriptions.Members, listenerDescription{l, wire.List[string]{Members: s.listenerPolicies[l.LoadBalancerPort]}})
	}
	d.Policies, d.BackendServerDescriptions.Members = s.describeSet()
	return d
}

func memberInstances(members []Member) wire.List[memberInstance] {
	instances := make([]memberInstance, len(members))
	for n, m := range members {
		instances[n] = memberInstance{m.InstanceID}
	}
	return wire.List[memberInstance]{Members: instances}
}
