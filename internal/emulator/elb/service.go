package elb

import (
	"regexp"
	"slices"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/emulator/ec2"
	"lsapi/internal/emulator/wire"
)

// AWS's quotas.
const (
	DefaultMaxLoadBalancers = 20 // per region
	MaxMembers              = 1000
	maxListeners            = 100
)

// NamePattern matches the names of load balancers.
var NamePattern = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?$`)

// Service holds the load balancers. It is not safe for concurrent use, but its answers
// may be encoded concurrently with later calls.
type Service struct {
	// Plane is the data plane that decides health and draining; nil: both follow from
	// the clock.
	Plane *dataplane.Plane

	account   *account.Account
	instances *ec2.Service
	balancers map[string]*loadBalancer
	names     []string // of balancers, sorted: the order of listings
	quota     int
}

// New returns a service with a quota of load balancers.
func New(a *account.Account, instances *ec2.Service, quota int) *Service {
	return &Service{account: a, instances: instances, balancers: map[string]*loadBalancer{}, quota: quota}
}

// find returns a load balancer to change. Changes apply to the actual state.
func (s *Service) find(name string) (*loadBalancer, error) {
	found, ok := s.balancers[name]
	if !ok || found.latest() == nil {
		return nil, errNotFound(name)
	}
	return found, nil
}

// findNamed is find for calls that need a valid name.
func (s *Service) findNamed(c wire.Call) (*loadBalancer, error) {
	name := c.Text("LoadBalancerName")
	if err := validateName(name); err != nil {
		return nil, err
	}
	return s.find(name)
}

// read returns a load balancer as a call shows it, and the moment of that state. It returns
// nil when the call shows none.
func (s *Service) read(name string, r account.ReadTime) (shown *revision, at time.Time) {
	if found, ok := s.balancers[name]; ok {
		shown, at, _ = found.versions.Read(r)
	}
	return shown, at
}

// readNamed is read for calls that need a valid name of an existing load balancer.
func (s *Service) readNamed(name string, r account.ReadTime) (shown *revision, at time.Time, err error) {
	if err := validateName(name); err != nil {
		return nil, at, err
	}
	if shown, at = s.read(name, r); shown == nil {
		return nil, at, errNotFound(name)
	}
	return shown, at, nil
}

// insert adds a load balancer under a name that is free or that of a deleted one.
func (s *Service) insert(first *revision, now time.Time) {
	existing, ok := s.balancers[first.name]
	if ok {
		clear(existing.departed)
		existing.versions.Set(first, now, s.account.Lag)
		return
	}
	created := &loadBalancer{departed: map[string]departure{}}
	created.versions.Set(first, now, s.account.Lag)
	s.balancers[first.name] = created
	at, _ := slices.BinarySearch(s.names, first.name)
	s.names = slices.Insert(s.names, at, first.name)
}

// prune removes the deleted load balancers that no read can show.
func (s *Service) prune(now time.Time) {
	s.names = slices.DeleteFunc(s.names, func(name string) bool {
		gone := s.balancers[name].versions.Gone(now, s.account.Lag)
		if gone {
			delete(s.balancers, name)
		}
		return gone
	})
}

// count returns the number of load balancers that are not deleted.
func (s *Service) count() int {
	count := 0
	for _, b := range s.balancers {
		if b.latest() != nil {
			count++
		}
	}
	return count
}

// errNotFound is the error of all actions but DescribeLoadBalancers, whose message
// differs.
func errNotFound(name string) *wire.Error {
	return wire.BadRequest("LoadBalancerNotFound", "There is no ACTIVE Load Balancer named '%s'", name)
}

func errDescribedNotFound(name string) *wire.Error {
	return wire.BadRequest("LoadBalancerNotFound", "Cannot find Load Balancer %s", name)
}

func errUnknownInstance(id string) *wire.Error {
	return wire.BadRequest("InvalidInstance", "Could not find EC2 instance %s.", id)
}

// validateName checks the name of a load balancer.
func validateName(name string) error {
	if name == "" {
		var v wire.Validation
		v.Missing("loadBalancerName")
		return v.Err()
	}
	if !NamePattern.MatchString(name) {
		return wire.ValidationFailed("LoadBalancer name must be 1 to 32 letters, digits and hyphens, and must not begin or end with a hyphen: '%s'", name)
	}
	return nil
}
