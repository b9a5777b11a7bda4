package emulator

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// FaultKind is what goes wrong.
type FaultKind string

// The kinds of faults.
const (
	FaultThrottle FaultKind = "throttle" // the service's throttling error
	Fault500      FaultKind = "500"      // an internal error
	FaultTimeout  FaultKind = "timeout"  // no answer until the client leaves
	FaultReset    FaultKind = "reset"    // the connection is cut
	FaultDenied   FaultKind = "denied"   // the service's access-denied error
)

// Fault makes calls fail.
type Fault struct {
	// Action is the name of the action that fails, such as
	// "RegisterInstancesWithLoadBalancer"; "*" is every action.
	Action string
	Kind   FaultKind
	// Probability with which a call fails, above 0 and at most 1. Either this
	// or Count must be given.
	Probability float64
	// Count is how many calls fail, from the next on.
	Count int
	// After makes a call be carried out and then fail. Only for 500, timeout
	// and reset: AWS does not refuse what it has done.
	After bool
	// Delay ends a timeout: the answer comes when it has passed. 0 waits until
	// the client leaves.
	Delay time.Duration
}

// everyAction is the Action of a fault of all actions.
const everyAction = "*"

// validate returns what is wrong with a fault, naming the field.
func (f Fault) validate(known func(string) bool) error {
	kinds := []FaultKind{FaultThrottle, Fault500, FaultTimeout, FaultReset, FaultDenied}
	switch {
	case f.Action != everyAction && !known(f.Action):
		return fmt.Errorf("action: %q is none of the emulated actions, nor \"*\"", f.Action)
	case !slices.Contains(kinds, f.Kind):
		return fmt.Errorf("kind: %q is none of %v", f.Kind, kinds)
	case f.After && (f.Kind == FaultThrottle || f.Kind == FaultDenied):
		return fmt.Errorf("after: a call that fails by %q is not carried out", f.Kind)
	case f.Delay < 0 || f.Delay > 0 && f.Kind != FaultTimeout:
		return fmt.Errorf("delay: %v is negative, or the kind is not %q", f.Delay, FaultTimeout)
	}
	return f.validateHowOften()
}

func (f Fault) validateHowOften() error {
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

// faults are those in force, the oldest first.
type faults struct {
	mu     sync.Mutex
	random *rand.Rand
	active []Fault
}

func newFaults(seed uint64) *faults {
	return &faults{random: rand.New(rand.NewPCG(seed, 2))}
}

// next returns the fault that a call of an action meets, if any, and counts it.
func (f *faults) next(action string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for n := range f.active {
		fault := &f.active[n]
		if fault.Action != everyAction && fault.Action != action {
			continue
		}
		if fault.Count == 0 {
			if f.random.Float64() < fault.Probability {
				return *fault, true
			}
			continue
		}
		met := *fault
		if fault.Count--; fault.Count == 0 {
			f.active = slices.Delete(f.active, n, n+1)
		}
		return met, true
	}
	return Fault{}, false
}

// add puts a fault in force, unless one before it fails every call that it could meet.
func (f *faults) add(fault Fault) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, before := range f.active {
		if before.Probability == 1 && (before.Action == everyAction || before.Action == fault.Action) {
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

// strike returns the error that a fault makes of a call. A timeout that the
// client sits out makes none of a call that was carried out.
func (e *Emulator) strike(ctx context.Context, f Fault, c call) error {
	switch f.Kind {
	case FaultThrottle:
		return &c.service.throttled
	case Fault500:
		return &c.service.broken
	case FaultDenied:
		return c.service.denied(c.service.name, c.action)
	case FaultReset:
		return errCut
	}
	if !e.holdBack(ctx, f.Delay) {
		return errCut
	}
	if f.After {
		return nil
	}
	return errUnavailable()
}

// holdBack waits until delay has passed or the client has left, and reports
// whether the client is still there. Without a delay it waits for the client.
func (e *Emulator) holdBack(ctx context.Context, delay time.Duration) bool {
	if delay == 0 {
		<-ctx.Done()
		return false
	}
	return e.clock.Sleep(ctx, delay) == nil
}

// AddFault puts a fault in force. Its error names the field that is wrong.
func (e *Emulator) AddFault(f Fault) error {
	if err := f.validate(e.knows); err != nil {
		return err
	}
	return e.faults.add(f)
}

// Faults returns the faults in force, the oldest first; a Count is what is left
// of it.
func (e *Emulator) Faults() []Fault { return e.faults.list() }

// ClearFaults ends all faults. Answers that are being held back stay so.
func (e *Emulator) ClearFaults() { e.faults.clear() }

// knows reports whether an action is emulated.
func (e *Emulator) knows(action string) bool {
	for _, s := range e.services {
		if _, ok := s.operations[action]; ok {
			return true
		}
	}
	return false
}
