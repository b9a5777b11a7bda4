// Package emulator is a small AWS in a process: the parts of Classic ELB, EC2, STS
// and CloudWatch that have to do with the membership of load balancers, over the query
// protocol that the AWS CLI, boto3 and the SDKs speak, and what newer ones speak to
// CloudWatch.
//
// It holds state and behaves as AWS does where that matters: its error codes
// and messages, registration that takes time, draining, health, quotas, token
// buckets, reads that trail writes, and faults on request. What happens by
// itself with time is computed from what was done and the clock, so there are
// no goroutines to stop, and a test that drives the clock drives everything. Only
// load balancers that carry traffic, see Carry, live in real time.
package emulator

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// DefaultRegion is the region unless Options name another.
const DefaultRegion = "us-east-1"

// defaultMaxLoadBalancers is AWS's quota of load balancers a region.
const defaultMaxLoadBalancers = 20

// Options say what the emulator holds and how it behaves. The zero value is an
// empty account that is quick and kind.
type Options struct {
	Fleet Fleet
	// Region is DefaultRegion when empty.
	Region string
	// Latency is added to every AWS call.
	Latency time.Duration
	// Lag is the most by which a read trails the writes before it. Each read
	// trails by a pseudo-random part of it, and none shows a load balancer or
	// an instance in an earlier state than a read before it has. Changes are
	// decided on the true state.
	Lag time.Duration
	// Throttle turns AWS's token buckets on.
	Throttle bool
	// MaxLoadBalancers is the quota; 0 is the larger of 20 and the fleet's own
	// number.
	MaxLoadBalancers int
	// Clock is the machine's when nil.
	Clock Clock
	// Seed determines what is pseudo-random: lags, faults, new instances' ids.
	Seed uint64
}

// Emulator is an http.Handler that serves the AWS API at / and its own control
// endpoints under /_emulator/. It is safe for concurrent use.
type Emulator struct {
	clock    Clock
	latency  time.Duration
	services map[string]*service
	control  map[string]map[string]http.HandlerFunc
	buckets  *throttle // nil when throttling is off
	faults   *faults
	calls    counters

	mu     sync.Mutex
	world  *world // guarded by mu, which is never held while sleeping or writing
	closed bool
	replan *time.Timer // until an instance passes into another state; nil without traffic
}

// New returns an emulator that holds the fleet. Its error names everything that
// is wrong with the options.
func New(o Options) (*Emulator, error) {
	if o.Latency < 0 || o.Lag < 0 || o.MaxLoadBalancers < 0 {
		return nil, fmt.Errorf("latency (%v), lag (%v) and the number of load balancers (%d) must not be negative", o.Latency, o.Lag, o.MaxLoadBalancers)
	}
	if err := o.Fleet.validate(); err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	e := &Emulator{
		clock:    o.Clock,
		latency:  o.Latency,
		services: newServices(),
		faults:   newFaults(o.Seed),
		world:    newWorld(o),
	}
	if o.Throttle {
		e.buckets = newThrottle()
	}
	e.control = e.controlRoutes()
	return e, nil
}

func newWorld(o Options) *world {
	w := &world{
		region:            cmp.Or(o.Region, DefaultRegion),
		lag:               o.Lag,
		random:            rand.New(rand.NewPCG(o.Seed, 1)),
		maxLoadBalancers:  o.MaxLoadBalancers,
		startDelay:        o.Fleet.StartDelay,
		registrationDelay: cmp.Or(o.Fleet.RegistrationDelay, DefaultRegistrationDelay),
		balancers:         make(map[string]*loadBalancer, len(o.Fleet.LoadBalancers)),
		instances:         make(map[string]*instance, len(o.Fleet.Instances)),
		launches:          map[string]*runInstancesResponse{},
	}
	if w.maxLoadBalancers == 0 {
		w.maxLoadBalancers = max(defaultMaxLoadBalancers, len(o.Fleet.LoadBalancers))
	}
	w.settle(o.Fleet, o.Clock.Now().Add(-o.Lag))
	return w
}
