package cloud

import (
	"sync"
	"time"

	"lsapi"
)

const (
	// verdictLifetime is how long a failure counts that no later call confirms: what
	// is not tried any more may work again.
	verdictLifetime = time.Minute
	// readGrace and writeGrace are how long a success outweighs later failures. A role
	// may be denied the changes of some load balancers only: a denial beside
	// successes says little.
	readGrace  = 10 * time.Second
	writeGrace = time.Minute
	// slowFailure tells an AWS that does not answer from a caller that left: a call
	// that was cut off earlier says nothing.
	slowFailure = 5 * time.Second
)

// categories are the calls without which the service cannot do its work, by
// operation.
var categories = map[string]category{
	"DescribeLoadBalancers":               reads,
	"DescribeInstances":                   lookups,
	"RegisterInstancesWithLoadBalancer":   writes,
	"DeregisterInstancesFromLoadBalancer": writes,
}

// Operations are AWS's names of the calls that a Client makes.
func Operations() []string {
	return []string{
		"DescribeLoadBalancers", "DescribeInstanceHealth", "DescribeLoadBalancerAttributes", "DescribeTags",
		"RegisterInstancesWithLoadBalancer", "DeregisterInstancesFromLoadBalancer", "DescribeInstances",
	}
}

type category int

const (
	reads category = iota
	lookups
	writes
	categoryCount
)

// what says what a category is for.
func (c category) what() string {
	return [categoryCount]string{"to list load balancers", "to look up instances", "to change load balancers"}[c]
}

func (c category) grace() time.Duration {
	if c == writes {
		return writeGrace
	}
	return readGrace
}

// Availability is what the last calls say of what AWS lets this service do. It is
// safe for concurrent use.
type Availability struct {
	mu       sync.Mutex
	verdicts [categoryCount]verdict
}

// verdict is that of a category.
type verdict struct {
	code      lsapi.Code // of the last failure; empty after a success
	failed    time.Time
	succeeded time.Time
}

// Observe takes the verdict of a call that has ended.
func (a *Availability) Observe(c Call) {
	if category, ok := categories[c.Operation]; ok {
		a.note(category, c)
	}
}

// NoCredentials notes that no credentials could be had: no call can succeed.
func (a *Availability) NoCredentials() {
	a.note(reads, Call{Code: lsapi.CodeForbidden})
}

func (a *Availability) note(category category, c Call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v := &a.verdicts[category]
	switch {
	case denies(c) || unreachable(c):
		v.code, v.failed = c.Code, time.Now()
	case c.Code == lsapi.CodeThrottled || c.Code == lsapi.CodeTimeout || c.Code == lsapi.CodeUnavailable:
		// AWS is there, or nothing is known.
	default: // an answer, if only that there is no such load balancer
		v.code, v.succeeded = "", time.Now()
	}
}

func denies(c Call) bool { return c.Code == lsapi.CodeForbidden }

func unreachable(c Call) bool {
	return c.Code == lsapi.CodeUpstream || c.Code == lsapi.CodeTimeout && c.Took >= slowFailure
}

// Check returns nil, or CodeUnavailable while AWS denies what the service needs, or
// does not answer.
func (a *Availability) Check() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for category := range categoryCount {
		if v := a.verdicts[category]; v.bad(category) {
			return lsapi.Errorf(lsapi.CodeUnavailable, "%s %s (%v ago)", v.says(), category.what(), time.Since(v.failed).Round(time.Second))
		}
	}
	return nil
}

// ReadsFail reports whether AWS's last answer to a listing was a denial, or none.
func (a *Availability) ReadsFail() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.verdicts[reads].code != ""
}

func (v verdict) bad(c category) bool {
	return v.code != "" && time.Since(v.failed) <= verdictLifetime && time.Since(v.succeeded) > c.grace()
}

func (v verdict) says() string {
	if v.code == lsapi.CodeForbidden {
		return "AWS does not accept the service's credentials or permissions"
	}
	return "AWS fails, or cannot be reached, when it is asked"
}
