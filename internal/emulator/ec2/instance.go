package ec2

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lsapi/internal/emulator/account"
)

// State is an instance state, with EC2's code.
type State int

// The states of EC2.
const (
	Pending      State = 0
	Running      State = 16
	ShuttingDown State = 32
	Terminated   State = 48
	Stopping     State = 64
	Stopped      State = 80
)

var stateNames = map[State]string{
	Pending:      "pending",
	Running:      "running",
	ShuttingDown: "shutting-down",
	Terminated:   "terminated",
	Stopping:     "stopping",
	Stopped:      "stopped",
}

func (s State) String() string { return stateNames[s] }

// ParseState returns the state with that name.
func ParseState(name string) (State, bool) {
	for state, n := range stateNames {
		if n == name {
			return state, true
		}
	}
	return 0, false
}

// StateNames returns the names of all states, sorted.
func StateNames() []string {
	var names []string
	for _, name := range stateNames {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// TerminatedVisible is how long EC2 describes a terminated instance. AWS documents
// less than an hour.
const TerminatedVisible = 55 * time.Minute

// Instance is a virtual machine. Its state at any moment follows from Life, which may
// contain future transitions. So no timer has to run.
type Instance struct {
	ID    string
	Type  string
	Image string
	Zone  string
	Tags  []account.Tag
	Life  []Transition // oldest first; never empty

	// Number is the position in the order of creation, from 1. Add sets it.
	Number uint64

	// Failing makes the instance fail its health checks. FailureReason is the
	// description in its health; AWS's usual one when empty.
	Failing       bool
	FailureReason string
	// FailingPorts are ports that fail while the instance does not, with the reasons.
	FailingPorts map[int]string
	// StartDelay and RegistrationDelay are as in Options.
	StartDelay        time.Duration
	RegistrationDelay time.Duration

	keyName     string
	reservation string
	lastRead    time.Time // see account.ReadTime.Advance
}

// Transition is the start of a state.
type Transition struct {
	At    time.Time
	State State
}

// StateAt returns the latest transition at t. It returns false before the launch and
// after EC2 has removed a terminated instance.
func (i *Instance) StateAt(t time.Time) (Transition, bool) {
	for _, passed := range slices.Backward(i.Life) {
		if !passed.At.After(t) {
			removed := passed.State == Terminated && t.Sub(passed.At) >= TerminatedVisible
			return passed, !removed
		}
	}
	return Transition{}, false
}

// FailsOn reports whether health checks of a port fail, and the reason, "" for AWS's usual
// one.
func (i *Instance) FailsOn(port int) (reason string, fails bool) {
	if i.Failing {
		return i.FailureReason, true
	}
	reason, fails = i.FailingPorts[port]
	return reason, fails
}

// SetPort makes health checks of a port pass or fail. The map that a reader may hold stays
// as it is.
func (i *Instance) SetPort(port int, healthy bool, reason string) {
	next := maps.Clone(i.FailingPorts)
	if next == nil {
		next = map[int]string{}
	}
	delete(next, port)
	if !healthy {
		next[port] = reason
	}
	i.FailingPorts = next
}

// launchedAt returns when the instance was last started, as of t.
func (i *Instance) launchedAt(t time.Time) time.Time {
	for _, passed := range slices.Backward(i.Life) {
		if passed.State == Pending && !passed.At.After(t) {
			return passed.At
		}
	}
	return i.Life[0].At
}

// pass moves the instance into a transitional state and, after the start delay, into
// the final one. It cancels future transitions.
func (i *Instance) pass(now time.Time, through, into State) {
	i.Life = slices.DeleteFunc(i.Life, func(t Transition) bool { return t.At.After(now) })
	i.Life = append(i.Life, Transition{now, through}, Transition{now.Add(i.StartDelay), into})
}

func (i *Instance) privateIP() string {
	n := i.Number
	return fmt.Sprintf("10.%d.%d.%d", byte(n>>16), byte(n>>8), byte(n))
}

// publicIP returns an address in the benchmarking network (RFC 2544).
func (i *Instance) publicIP() string {
	n := i.Number
	return fmt.Sprintf("198.%d.%d.%d", 18+n>>16&1, byte(n>>8), byte(n))
}

func dashed(ip string) string { return strings.ReplaceAll(ip, ".", "-") }
