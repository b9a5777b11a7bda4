package emulator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// FaultKind is a kind of failure.
type FaultKind string

// The kinds of faults.
const (
	FaultThrottle FaultKind = "throttle" // the service's throttling error
	Fault500      FaultKind = "500"      // an internal error
	FaultTimeout  FaultKind = "timeout"  // no answer until the client disconnects
	FaultReset    FaultKind = "reset"    // the connection is cut
	FaultDenied   FaultKind = "denied"   // the service's access-denied error
	// FaultHealth is the error of DescribeTargetHealth when health cannot be read.
	FaultHealth FaultKind = "health-unavailable"
)

// Fault makes calls fail.
type Fault struct {
	// Action is the action that fails, such as "RegisterInstancesWithLoadBalancer";
	// "*" is every action.
	Action string
	// Version limits the fault to one API, such as "2015-12-01" for ELBv2, which has
	// actions of the same names as Classic ELB. Empty is every API.
	Version string
	Kind    FaultKind
	// Probability of a failure, above 0 and at most 1. Set either it or Count.
	Probability float64
	// Count is the number of next calls that fail.
	Count int
	// After makes a call fail after it was performed. Only for 500, timeout and reset:
	// AWS does not refuse a performed call.
	After bool
	// Delay ends a timeout with an answer. 0 waits until the client disconnects.
	Delay time.Duration
}

// everyAction is the Action that matches all actions.
const everyAction = "*"

// validate returns an error that names the invalid field.
func (f Fault) validate(supported func(action, version string) bool) error {
	kinds := []FaultKind{FaultThrottle, Fault500, FaultTimeout, FaultReset, FaultDenied, FaultHealth}
	switch {
	case !supported(everyAction, f.Version):
		return fmt.Errorf("version: %q is not that of an emulated API", f.Version)
	case !supported(f.Action, f.Version):
		return fmt.Errorf("action: %q is none of the emulated actions, nor \"*\"", f.Action)
	case !slices.Contains(kinds, f.Kind):
		return fmt.Errorf("kind: %q is none of %v", f.Kind, kinds)
	case f.Kind == FaultHealth && f.Action != "DescribeTargetHealth":
		return fmt.Errorf("action: %q does not fail by %q, only DescribeTargetHealth does", f.Action, f.Kind)
	case f.After && (f.Kind == FaultThrottle || f.Kind == FaultDenied || f.Kind == FaultHealth):
		return fmt.Errorf("after: a call that fails by %q is not carried out", f.Kind)
	case f.Delay < 0 || f.Delay > 0 && f.Kind != FaultTimeout:
		return fmt.Errorf("delay: %v is negative, or the kind is not %q", f.Delay, FaultTimeout)
	}
	return f.validateFrequency()
}

func (f Fault) validateFrequency() error {
	switch {
	case f.Probability != 0 && f.Count != 0:
		return fmt.Errorf("probability and count: give one of them, not both")
	case f.Probability == 0 && f.Count == 0:
		return fmt.Errorf("probability or count: give one of them")
	case !(f.Probability >= 0 && f.Probability <= 1):
		return fmt.Errorf("probability: %v is not above 0 and at most 1", f.Probability)
	case f.Count < 0:
		return fmt.Errorf("count: %d is not positive", f.Count)
	}
	return nil
}

// faults holds the active faults, oldest first.
type faults struct {
	mu     sync.Mutex
	random *rand.Rand
	active []Fault
}

func newFaults(seed uint64) *faults {
	return &faults{random: rand.New(rand.NewPCG(seed, 2))}
}

// matches reports whether a call of an API can trigger the fault.
func (f Fault) matches(action, version string) bool {
	return (f.Action == everyAction || f.Action == action) && (f.Version == "" || f.Version == version)
}

// next returns the fault that a call triggers, and decrements its count.
func (f *faults) next(action, version string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for n := range f.active {
		fault := &f.active[n]
		if !fault.matches(action, version) {
			continue
		}
		if fault.Count == 0 {
			if f.random.Float64() < fault.Probability {
				return *fault, true
			}
			continue
		}
		triggered := *fault
		if fault.Count--; fault.Count == 0 {
			f.active = slices.Delete(f.active, n, n+1)
		}
		return triggered, true
	}
	return Fault{}, false
}

// add activates a fault. It fails if an active fault already fails every call that the
// new one matches.
func (f *faults) add(fault Fault) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, before := range f.active {
		if before.Probability == 1 && before.matches(fault.Action, fault.Version) {
			return fmt.Errorf("action: every call of %s fails already by %q; DELETE the faults first", fault.Action, before.Kind)
		}
	}
	f.active = append(f.active, fault)
	return nil
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = nil
}

func (f *faults) list() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.active)
}
