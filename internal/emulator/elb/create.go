package elb

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

// DefaultDrainTime is how long in-flight requests to a deregistered instance take, at
// most the draining timeout. With a data plane it is as long as the requests take.
const DefaultDrainTime = time.Second

func (s *Service) createLoadBalancer(c wire.Call) (any, error) {
	created, err := s.newCreation(c.Query, c.Time.Now)
	if err != nil {
		return nil, err
	}
	tags := c.Tags("Tags.member")
	if err := validateTags(nil, tags); err != nil {
		return nil, err
	}
	if existing, err := s.find(created.name); err == nil {
		if !existing.latest().sameSettings(created) {
			return nil, wire.BadRequest("DuplicateLoadBalancerName", "Load Balancer named '%s' already exists and it is configured with different parameters.", created.name)
		}
		return &createLoadBalancerResult{existing.latest().dnsName}, nil
	}
	if s.count() >= s.quota {
		return nil, wire.BadRequest("TooManyLoadBalancers", "Exceeded quota of account %s", account.ID)
	}
	s.prune(c.Time.Now)
	s.insert(&revision{state: state{
		creation:    created,
		healthCheck: DefaultHealthCheck(created.listeners),
		attributes:  DefaultAttributes(),
		drainTime:   DefaultDrainTime,
		tags:        account.MergeTags(nil, tags),
	}}, c.Time.Now)
	return &createLoadBalancerResult{created.dnsName}, nil
}

func (s *Service) newCreation(q wire.Query, now time.Time) (*creation, error) {
	name := q.Text("LoadBalancerName")
	if err := validateName(name); err != nil {
		return nil, err
	}
	listeners, err := newListeners(q.Elements("Listeners.member"))
	if err != nil {
		return nil, err
	}
	zones, err := s.zonesOf(q.List("AvailabilityZones.member"), q.List("Subnets.member"))
	if err != nil {
		return nil, err
	}
	scheme := cmp.Or(q.Text("Scheme"), SchemeInternetFacing)
	if scheme != SchemeInternetFacing && scheme != SchemeInternal {
		return nil, wire.BadRequest("InvalidScheme", "The specified scheme is not valid: %s", scheme)
	}
	created := s.creation(name, scheme, listeners, zones, now)
	if groups := q.List("SecurityGroups.member"); len(groups) > 0 {
		created.securityGroups = groups
	}
	return created, nil
}

func (s *Service) creation(name, scheme string, listeners []Listener, zones []string, at time.Time) *creation {
	c := &creation{
		name: name, scheme: scheme, listeners: listeners, zones: zones, createdAt: at,
		dnsName:        s.dnsName(name, scheme),
		securityGroups: []string{account.SecurityGroupID},
	}
	for _, zone := range zones {
		c.subnets = append(c.subnets, account.SubnetOf(zone))
	}
	return c
}

// dnsName returns the DNS name of a load balancer, the same in every run.
func (s *Service) dnsName(name, scheme string) string {
	hash := fnv.New32a()
	hash.Write([]byte(name)) // never fails
	prefix := ""
	if scheme == SchemeInternal {
		prefix = "internal-"
	}
	return fmt.Sprintf("%s%s-%010d.%s.elb.amazonaws.com", prefix, name, hash.Sum32(), s.account.Region)
}

// zonesOf returns the sorted zones of a load balancer from its zones or its subnets,
// whichever the request contains.
func (s *Service) zonesOf(zones, subnets []string) ([]string, error) {
	if len(zones) == 0 && len(subnets) == 0 {
		return nil, wire.ValidationFailed("Either AvailabilityZones or SubnetIds must be specified")
	}
	if len(zones) > 0 && len(subnets) > 0 {
		return nil, wire.ValidationFailed("Only one of SubnetIds or AvailabilityZones may be specified")
	}
	for _, zone := range zones {
		if !s.account.HasZone(zone) {
			return nil, wire.ValidationFailed("Invalid availability zone: %s", zone)
		}
	}
	for _, subnet := range subnets {
		zone, ok := s.account.ZoneOf(subnet)
		if !ok {
			return nil, wire.BadRequest("SubnetNotFound", "The subnet '%s' does not exist", subnet)
		}
		zones = append(zones, zone)
	}
	return slices.Compact(slices.Sorted(slices.Values(zones))), nil
}

// deleteLoadBalancer succeeds for a load balancer that does not exist, as in AWS.
func (s *Service) deleteLoadBalancer(c wire.Call) (any, error) {
	name := c.Text("LoadBalancerName")
	if err := validateName(name); err != nil {
		return nil, err
	}
	if b, err := s.find(name); err == nil {
		b.versions.Delete(c.Time.Now, s.account.Lag)
		s.prune(c.Time.Now)
	}
	return struct{}{}, nil
}

// Settings describe an existing load balancer for Add.
type Settings struct {
	Name        string
	Scheme      string
	Zones       []string
	Listeners   []Listener
	HealthCheck HealthCheck
	Attributes  Attributes
	DrainTime   time.Duration
	Tags        []account.Tag
	Members     []Member
	Created     time.Time
}

// Add adds a load balancer that exists since before every read.
func (s *Service) Add(b Settings) {
	s.insert(&revision{state: state{
		creation:    s.creation(b.Name, b.Scheme, b.Listeners, b.Zones, b.Created),
		healthCheck: b.HealthCheck,
		attributes:  b.Attributes,
		drainTime:   b.DrainTime,
		tags:        b.Tags,
		members:     b.Members,
	}}, time.Time{})
}
