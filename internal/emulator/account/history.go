package account

import (
	"slices"
	"time"
)

// maxHistory limits the history's memory.
const maxHistory = 200_000

// MembershipChange is one member that joined or left a pool: an instance of a Classic load
// balancer, or a target of a target group. A call that changes nothing leaves none.
type MembershipChange struct {
	At           time.Time `json:"at"`
	Action       string    `json:"action"` // attach or detach
	LoadBalancer string    `json:"loadBalancer,omitempty"`
	InstanceID   string    `json:"instanceId,omitempty"`
	// A target leaves when it begins to drain. The port of a Lambda function is 0.
	TargetGroup string `json:"targetGroup,omitempty"`
	TargetID    string `json:"targetId,omitempty"`
	Port        int    `json:"port,omitempty"`
}

// Record adds a change to the history. A full history drops its older half.
func (a *Account) Record(c MembershipChange) {
	if len(a.history) >= maxHistory {
		a.history = slices.Clone(a.history[maxHistory/2:])
	}
	c.At = c.At.UTC()
	a.history = append(a.history, c)
}

// History returns at least the last 100,000 membership changes, oldest first.
func (a *Account) History() []MembershipChange { return slices.Clone(a.history) }
