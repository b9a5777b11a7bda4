package elb

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/wire"
)

// DefaultDrainTime is how long in-flight requests to a deregistered instance take, at
// most the draining timeout. With a data plane it is as long as the requests take.
const DefaultDrainTime = time.Second

func (s *Service) createLoadBalancer(c wire.Call) (any, error) {
	created, err := s.newState(c.Query, c.Time.Now)
	if err != nil {
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
	s.insert(&revision{state: *created}, c.Time.Now)
	return &createLoadBalancerResult{created.dnsName}, nil
}

// newState returns the state of a new load balancer.
func (s *Service) newState(q wire.Query, now time.Time) (*state, error) {
	name := q.Text("LoadBalancerName")
	if err := validateName(name); err != nil {
		return nil, err
	}
	listeners, err := newListeners(q.Elements("Listeners.member"))
	if err != nil {
		return nil, err
	}
	zones, err := s.newZones(q.List("AvailabilityZones.member"), q.List("Subnets.member"))
	if err != nil {
		return nil, err
	}
	scheme := cmp.Or(q.Text("Scheme"), SchemeInternetFacing)
	if scheme != SchemeInternetFacing && scheme != SchemeInternal {
		return nil, wire.BadRequest("InvalidScheme", "The specified scheme is not valid: %s", scheme)
	}
	groups := []string{account.SecurityGroupID}
	if q.Has("SecurityGroups.member.1") {
		if groups, err = newSecurityGroups(q); err != nil {
			return nil, err
		}
	}
	tags := q.Tags("Tags.member")
	if err := validateTags(nil, tags); err != nil {
		return nil, err
	}
	return &state{
		creation:       s.creation(name, scheme, now),
		listeners:      listeners,
		zones:          zones,
		securityGroups: groups,
		healthCheck:    DefaultHealthCheck(listeners),
		attributes:     DefaultAttributes(),
		drainTime:      DefaultDrainTime,
		tags:           account.MergeTags(nil, tags),
	}, nil
}

func (s *Service) creation(name, scheme string, at time.Time) *creation {
	return &creation{name: name, scheme: scheme, createdAt: at, dnsName: s.dnsName(name, scheme)}
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
		creation:       s.creation(b.Name, b.Scheme, b.Created),
		listeners:      b.Listeners,
		zones:          b.Zones,
		securityGroups: []string{account.SecurityGroupID},
		healthCheck:    b.HealthCheck,
		attributes:     b.Attributes,
		drainTime:      b.DrainTime,
		tags:           b.Tags,
		members:        b.Members,
	}}, time.Time{})
}
