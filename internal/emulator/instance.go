package emulator

import (
	"slices"
	"time"
)

// instanceState is a step of an instance's life, with EC2's number for it.
type instanceState int

const (
	pending      instanceState = 0
	running      instanceState = 16
	shuttingDown instanceState = 32
	terminated   instanceState = 48
	stopping     instanceState = 64
	stopped      instanceState = 80
)

var stateNames = map[instanceState]string{
	pending:      "pending",
	running:      "running",
	shuttingDown: "shutting-down",
	terminated:   "terminated",
	stopping:     "stopping",
	stopped:      "stopped",
}

func (s instanceState) String() string { return stateNames[s] }

// terminatedVisible is how long EC2 still describes a terminated instance.
// AWS says less than an hour.
const terminatedVisible = 55 * time.Minute

// instance is a virtual machine: what never changes, and the times at which it
// passed, or will pass, from one state to the next. What it is at a moment is
// read off these, so nothing has to happen when the moment comes.
type instance struct {
	id          string
	number      uint64 // its place in the order of creation, from 1
	reservation string
	image       string
	kind        string // EC2's instance type
	zone        string
	keyName     string

	// What a fleet may set to make the instance slow or sick.
	failing           string // why it fails its health checks; empty when it passes
	startDelay        time.Duration
	registrationDelay time.Duration

	life []transition // oldest first; never empty
	tags []tag
	seen time.Time // the latest moment that a reading has shown, see reading
}

type transition struct {
	at    time.Time
	state instanceState
}

// stateAt returns the state at a moment and since when, and false before the
// instance was launched and after EC2 has forgotten it.
func (i *instance) stateAt(t time.Time) (transition, bool) {
	for _, passed := range slices.Backward(i.life) {
		if passed.at.After(t) {
			continue
		}
		forgotten := passed.state == terminated && t.Sub(passed.at) >= terminatedVisible
		return passed, !forgotten
	}
	return transition{}, false
}

// launchAt returns when the instance was last started, as of a moment.
func (i *instance) launchAt(t time.Time) time.Time {
	for _, passed := range slices.Backward(i.life) {
		if passed.state == pending && !passed.at.After(t) {
			return passed.at
		}
	}
	return i.life[0].at
}

// pass makes the instance go through a state that lasts for a while into the
// state after it. Transitions that were still to come are called off.
func (i *instance) pass(now time.Time, through instanceState, lasting time.Duration, into instanceState) {
	i.life = slices.DeleteFunc(i.life, func(t transition) bool { return t.at.After(now) })
	i.life = append(i.life, transition{now, through}, transition{now.Add(lasting), into})
}
