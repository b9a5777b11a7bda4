package cloud

import (
	"sync"
	"time"

	"lsapi"
)

const (
	// failureLifetime is how long a failure counts without another one. An operation that is
	// no longer called may work again.
	failureLifetime = time.Minute
	// readGrace and writeGrace are how long a success outweighs later failures: a role may
	// be denied the changes of some pools only.
	readGrace  = 10 * time.Second
	writeGrace = time.Minute
	// slowFailure is the duration from which on a timeout counts as AWS's. A shorter one
	// may be a caller that left.
	slowFailure = 5 * time.Second
)

// capability is a group of operations that the service cannot work without.
type capability int

const (
	listing capability = iota
	groupListing
	lookups
	changes
	capabilityCount
)

var capabilities = map[Operation]capability{
	{"elb", "DescribeLoadBalancers"}:               listing,
	{"elbv2", "DescribeTargetGroups"}:              groupListing,
	{"ec2", "DescribeInstances"}:                   lookups,
	{"elb", "RegisterInstancesWithLoadBalancer"}:   changes,
	{"elb", "DeregisterInstancesFromLoadBalancer"}: changes,
	{"elbv2", "RegisterTargets"}:                   changes,
	{"elbv2", "DeregisterTargets"}:                 changes,
}

func (c capability) String() string {
	return [capabilityCount]string{"to list load balancers", "to list target groups", "to look up instances", "to change load balancers or target groups"}[c]
}

func (c capability) grace() time.Duration {
	if c == changes {
		return writeGrace
	}
	return readGrace
}

// Availability derives from the last calls whether AWS lets the service work. It is safe
// for concurrent use.
type Availability struct {
	mu     sync.Mutex
	states [capabilityCount]state
}

// state is the state of a capability.
type state struct {
	code      lsapi.Code // of the last failure; empty after a success
	failed    time.Time
	succeeded time.Time
}

// Observe takes a finished call.
func (a *Availability) Observe(c Call) {
	if capability, ok := capabilities[c.Operation]; ok {
		a.update(capability, c)
	}
}

// NoCredentials reports that no credentials were found, so that no call can succeed.
func (a *Availability) NoCredentials() {
	a.update(listing, Call{Code: lsapi.CodeForbidden})
}

func (a *Availability) update(capability capability, c Call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := &a.states[capability]
	switch {
	case c.Code == lsapi.CodeForbidden, c.Code == lsapi.CodeUpstream, c.Code == lsapi.CodeTimeout && c.Took >= slowFailure:
		s.code, s.failed = c.Code, time.Now()
	case c.Code == lsapi.CodeThrottled, c.Code == lsapi.CodeTimeout, c.Code == lsapi.CodeUnavailable:
		// AWS works, or the result is unknown.
	default: // any other answer, such as that there is no such pool
		s.code, s.succeeded = "", time.Now()
	}
}

// Check returns CodeUnavailable while AWS denies what the service needs, or does not
// answer.
func (a *Availability) Check() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for capability := range capabilityCount {
		if s := a.states[capability]; s.failing(capability) && !a.isNeedless(capability) {
			return lsapi.Errorf(lsapi.CodeUnavailable, "%s %v (%v ago)", s.problem(), capability, time.Since(s.failed).Round(time.Second))
		}
	}
	return nil
}

// ReadsFail reports whether a listing that is needed was denied, or got no answer, the last
// time.
func (a *Availability) ReadsFail() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.states[listing].code != "" && !a.isNeedless(listing) || a.states[groupListing].code != "" && !a.isNeedless(groupListing)
}

// isNeedless reports whether a capability is the listing of one kind of pool, and that of the
// other works: the other kind is served, and a role may be for one kind only.
func (a *Availability) isNeedless(c capability) bool {
	others := map[capability]capability{listing: groupListing, groupListing: listing}
	other, ok := others[c]
	return ok && a.states[other].code == "" && !a.states[other].succeeded.IsZero()
}

func (s state) failing(c capability) bool {
	return s.code != "" && time.Since(s.failed) <= failureLifetime && time.Since(s.succeeded) > c.grace()
}

func (s state) problem() string {
	if s.code == lsapi.CodeForbidden {
		return "AWS does not accept the service's credentials or permissions"
	}
	return "AWS fails, or cannot be reached, when asked"
}
