// Package lsapi has the types of lsapi, an HTTP API and CLI to register EC2 instances with
// AWS load balancers.
//
// It imports only the standard library, and every package may import it. The use case is
// in internal/membership, AWS in internal/cloud, and HTTP in internal/web.
package lsapi

import (
	"strings"
	"time"
)

// Instance is an EC2 instance.
type Instance struct {
	// ID is "i-" and 8 or 17 hexadecimal digits.
	ID string
	// Type is EC2's instance type, such as "t2.micro". Empty if EC2 no longer has the
	// instance; it can still be a member.
	Type string
	// LaunchTime is when the instance last started, in UTC. Zero if EC2 no longer has it.
	LaunchTime time.Time
	// State is its life cycle state. Empty if EC2 no longer has it.
	State InstanceState
	// Zone is its availability zone, such as "us-east-1a".
	Zone string
	// PrivateAddress is its private IP address. Empty if it has none.
	PrivateAddress string
	// Name is its tag Name. Empty if it has none.
	Name string
	// AutoScalingGroup is the name of its Auto Scaling group. Empty if it is in none.
	AutoScalingGroup string
}

// Exists reports whether EC2 still has the instance.
func (i Instance) Exists() bool { return i.State != "" }

// InstanceState is a life cycle state, in EC2's words.
type InstanceState string

// StateRunning is the only state in which an instance may be attached.
const StateRunning InstanceState = "running"

// Action is the action of a change.
type Action string

// The actions. AWS calls them register and deregister.
const (
	Attach Action = "attach"
	Detach Action = "detach"
)

// Actor is an authenticated user.
type Actor struct {
	Name string
}

// Request is a request for one change of a pool's membership.
type Request struct {
	// ID is the HTTP request's id (X-Request-Id).
	ID string
	// ChangeID is the id of the change, a UUID of version 7, and At the time in it.
	ChangeID string
	At       time.Time
	Actor    Actor
	Action   Action
	Pool     PoolID
	Member   MemberID
	// Reason is the caller's reason. It may be empty.
	Reason string
}

// Result is the result of a Request, successful or not.
type Result struct {
	// Member is the id that the request's member has in its pool: one without a port has the
	// target group's.
	Member MemberID
	// Instance is EC2's description of the instance, if the request succeeded.
	Instance Instance
	// Recorded is whether the change is on record, so that its id names it whatever
	// crashes.
	Recorded bool
	// Pending is whether the change may still be made and recorded, although its
	// caller has left.
	Pending bool
}

// ValidInstanceID reports whether id has the form of an EC2 instance id: "i-"
// and 8 (until 2016) or 17 lower-case hexadecimal digits.
func ValidInstanceID(id string) bool {
	digits, ok := strings.CutPrefix(id, "i-")
	return ok && (len(digits) == 8 || len(digits) == 17) && strings.Trim(digits, "0123456789abcdef") == ""
}

// ValidPoolName reports whether AWS would accept name for a pool of either kind: 1 to 32
// letters, digits and hyphens, no hyphen at either end.
func ValidPoolName(name string) bool {
	if len(name) < 1 || len(name) > 32 || name[0] == '-' || name[len(name)-1] == '-' {
		return false
	}
	for _, c := range []byte(name) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
