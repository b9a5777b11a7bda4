package ec2

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/emulator/wire"
)

// DefaultRegistrationDelay is the delay when Options set none.
const DefaultRegistrationDelay = time.Second

// IDPattern matches instance ids.
var IDPattern = regexp.MustCompile(`^i-(?:[0-9a-f]{8}|[0-9a-f]{17})$`)

// Options apply to all instances that do not override them.
type Options struct {
	// StartDelay is the time from pending to running, from stopping to stopped, and
	// from shutting-down to terminated.
	StartDelay time.Duration
	// RegistrationDelay is the time from registering a healthy instance with a load
	// balancer until it is in service. DefaultRegistrationDelay when 0.
	RegistrationDelay time.Duration
}

// Service holds the instances. It is not safe for concurrent use, but its answers may
// be encoded concurrently with later calls.
type Service struct {
	// Balancers returns the load balancers, whose network interfaces are described.
	Balancers func() []Balancer

	account   *account.Account
	options   Options
	instances map[string]*Instance
	order     []*Instance // by number, the order of listings
	created   uint64      // the number of instances ever created
	launches  map[string]*runInstancesResponse
}

// New returns a service without instances.
func New(a *account.Account, o Options) *Service {
	o.RegistrationDelay = cmp.Or(o.RegistrationDelay, DefaultRegistrationDelay)
	return &Service{
		Balancers: func() []Balancer { return nil },
		account:   a, options: o, instances: map[string]*Instance{}, launches: map[string]*runInstancesResponse{},
	}
}

// Add adds an instance. It fills in the number, the reservation and zero delays.
func (s *Service) Add(i *Instance) {
	s.created++
	i.Number = s.created
	i.reservation = cmp.Or(i.reservation, reservationID(i.Number))
	i.StartDelay = cmp.Or(i.StartDelay, s.options.StartDelay)
	i.RegistrationDelay = cmp.Or(i.RegistrationDelay, s.options.RegistrationDelay)
	s.instances[i.ID] = i
	s.order = append(s.order, i)
}

func reservationID(number uint64) string { return fmt.Sprintf("r-%017x", number) }

// Instance returns an instance, terminated or not.
func (s *Service) Instance(id string) (*Instance, bool) {
	i, ok := s.instances[id]
	return i, ok
}

// ByAddress returns the instance with a private IP address, terminated or not.
func (s *Service) ByAddress(ip netip.Addr) (*Instance, bool) {
	if !ip.Is4() || ip.As4()[0] != 10 {
		return nil, false
	}
	b := ip.As4()
	number := uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3])
	at, ok := slices.BinarySearchFunc(s.order, number, func(i *Instance, n uint64) int { return cmp.Compare(i.Number, n) })
	if !ok {
		return nil, false
	}
	return s.order[at], true
}

// Live returns an instance unless it is terminated or shutting down.
func (s *Service) Live(id string, now time.Time) (*Instance, bool) {
	i, ok := s.instances[id]
	if !ok {
		return nil, false
	}
	current, ok := i.StateAt(now)
	return i, !ok || current.State != Terminated && current.State != ShuttingDown
}

// InstanceState is the actual state of an instance that EC2 describes.
type InstanceState struct {
	InstanceID       string    `json:"instanceId"`
	InstanceType     string    `json:"instanceType"`
	State            string    `json:"state"`
	LaunchTime       time.Time `json:"launchTime"`
	AvailabilityZone string    `json:"availabilityZone"`
}

// State returns all instances in the order of their creation.
func (s *Service) State(now time.Time) []InstanceState {
	all := []InstanceState{}
	for _, i := range s.order {
		if current, ok := i.StateAt(now); ok {
			all = append(all, InstanceState{i.ID, i.Type, current.State.String(), i.launchedAt(now).UTC(), i.Zone})
		}
	}
	return all
}

// Plan returns the instances for a data plane.
func (s *Service) Plan(now time.Time) []dataplane.Instance {
	var all []dataplane.Instance
	for _, i := range s.order {
		current, ok := i.StateAt(now)
		planned := dataplane.Instance{ID: i.ID, Number: i.Number, Running: ok && current.State == Running, Failing: i.Failing}
		if len(i.FailingPorts) > 0 {
			planned.FailingPorts = make(map[int]bool)
			for port := range i.FailingPorts {
				planned.FailingPorts[port] = true
			}
		}
		all = append(all, planned)
	}
	return all
}

// NextTransition returns the time of the next transition, zero without one.
func (s *Service) NextTransition(now time.Time) (next time.Time) {
	for _, i := range s.order {
		for _, t := range i.Life {
			if t.At.After(now) && (next.IsZero() || t.At.Before(next)) {
				next = t.At
			}
		}
	}
	return next
}

// prune removes the instances that no read can show. Their ids stay in the load
// balancers that they are members of, as in AWS.
func (s *Service) prune(now time.Time) {
	s.order = slices.DeleteFunc(s.order, func(i *Instance) bool {
		last := i.Life[len(i.Life)-1]
		gone := last.State == Terminated && now.Add(-s.account.Lag).Sub(last.At) >= TerminatedVisible
		if gone {
			delete(s.instances, i.ID)
		}
		return gone
	})
}

// find returns instances by id. A malformed or unknown id fails the call.
func (s *Service) find(ids []string, r account.ReadTime) ([]*Instance, error) {
	found := make([]*Instance, 0, len(ids))
	var missing []string
	for _, id := range wire.Unique(ids) {
		if !IDPattern.MatchString(id) {
			return nil, wire.BadRequest("InvalidInstanceID.Malformed", "Invalid id: %q", id)
		}
		i, ok := s.instances[id]
		if ok {
			_, ok = i.StateAt(r.Advance(&i.lastRead))
		}
		if !ok {
			missing = append(missing, id)
			continue
		}
		found = append(found, i)
	}
	if len(missing) > 0 {
		return nil, errNotFound(missing)
	}
	return found, nil
}

func errNotFound(ids []string) error {
	if len(ids) == 1 {
		return wire.BadRequest("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", ids[0])
	}
	return wire.BadRequest("InvalidInstanceID.NotFound", "The instance IDs '%s' do not exist", strings.Join(ids, ", "))
}
