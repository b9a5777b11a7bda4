// Package emulator is a small AWS in a process: the parts of ELB (Classic and v2), EC2, STS
// and CloudWatch around the membership of load balancers, for the AWS CLI, boto3 and SDKs.
//
// It behaves like AWS in its error codes and messages, registration delays, draining,
// health, quotas, token buckets, eventual consistency, and faults on request. The passage
// of time follows from past calls and the clock: there are no goroutines to stop, and a
// test that drives the clock drives everything. Only load balancers that carry traffic, see
// Carry, run in real time.
//
// Each service is a package that describes itself as a wire.API. New lists them.
package emulator

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"lsapi/internal/emulator/account"
	"lsapi/internal/emulator/cloudwatch"
	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/emulator/ec2"
	"lsapi/internal/emulator/elb"
	"lsapi/internal/emulator/elbv2"
	"lsapi/internal/emulator/fleet"
	"lsapi/internal/emulator/sts"
	"lsapi/internal/emulator/wire"
)

// DefaultRegion is the region when Options set none.
const DefaultRegion = "us-east-1"

// Options configure the emulator. The zero value is an empty account without latency,
// lag or throttling.
type Options struct {
	Fleet fleet.Fleet
	// Region is DefaultRegion when empty.
	Region string
	// Latency is added to every AWS call.
	Latency time.Duration
	// Lag is the longest time by which a read trails the writes before it. Each read
	// trails by a pseudo-random part of it. No read shows a load balancer or an
	// instance in an earlier state than the read before. Changes apply to the actual
	// state.
	Lag time.Duration
	// Throttle enables AWS's token buckets.
	Throttle bool
	// MaxLoadBalancers is the quota of Classic ones; 0 is the larger of AWS's and the fleet's number.
	MaxLoadBalancers int
	// Clock is the system clock when nil.
	Clock Clock
	// Seed determines all that is pseudo-random: lags, faults, ids of new instances.
	Seed uint64
}

// Emulator is an http.Handler that serves the AWS APIs at / and its controls under
// /_emulator/. It is safe for concurrent use.
type Emulator struct {
	clock    Clock
	latency  time.Duration
	apis     map[string]*wire.API // by version
	throttle *throttle            // nil: no throttling
	faults   *faults
	calls    counters

	mu         sync.Mutex // guards what follows; not held while sleeping or writing
	account    *account.Account
	ec2        *ec2.Service
	elb        *elb.Service
	elbv2      *elbv2.Service
	cloudwatch *cloudwatch.Service
	plane      *dataplane.Plane // nil: load balancers carry no traffic
	replan     *time.Timer      // until the next transition of an instance; nil without traffic
	closed     bool
}

// New returns an emulator with the fleet. Its error names all invalid options.
func New(o Options) (*Emulator, error) {
	if o.Latency < 0 || o.Lag < 0 || o.MaxLoadBalancers < 0 {
		return nil, fmt.Errorf("latency (%v), lag (%v) and the number of load balancers (%d) must not be negative", o.Latency, o.Lag, o.MaxLoadBalancers)
	}
	if err := o.Fleet.Validate(); err != nil {
		return nil, fmt.Errorf("fleet: %w", err)
	}
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	e := &Emulator{
		clock:      o.Clock,
		latency:    o.Latency,
		apis:       map[string]*wire.API{},
		faults:     newFaults(o.Seed),
		account:    account.New(cmp.Or(o.Region, DefaultRegion), o.Lag, o.Seed),
		cloudwatch: &cloudwatch.Service{},
	}
	quota := cmp.Or(o.MaxLoadBalancers, max(elb.DefaultMaxLoadBalancers, len(o.Fleet.LoadBalancers)))
	e.ec2 = ec2.New(e.account, ec2.Options{StartDelay: o.Fleet.StartDelay, RegistrationDelay: o.Fleet.RegistrationDelay})
	e.elb = elb.New(e.account, e.ec2, quota)
	e.elbv2 = elbv2.New(e.account, e.ec2)
	e.ec2.Balancers = func() []ec2.Balancer { return slices.Concat(e.elb.Balancers(), e.elbv2.Balancers()) }
	o.Fleet.Apply(e.account, e.ec2, e.elb, e.elbv2, o.Clock.Now())
	for _, api := range []*wire.API{e.elb.API(), e.elbv2.API(), e.ec2.API(), sts.API(), e.cloudwatch.API()} {
		e.apis[api.Version] = api
	}
	if o.Throttle {
		e.throttle = newThrottle()
	}
	return e, nil
}
