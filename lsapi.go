// Package lsapi is the vocabulary of the front door to the membership of AWS
// load balancers: which EC2 instances serve behind which load balancer.
//
// It imports the standard library only and everything else in the module may
// import it. The use case is in internal/membership, AWS is behind
// internal/cloud, HTTP in front of it in internal/httpapi.
package lsapi

import (
	"strings"
	"time"
)

// Instance is what EC2 says of a virtual machine.
type Instance struct {
	// ID is "i-" and 8 or 17 hexadecimal digits.
	ID string
	// Type is EC2's name for the size, such as "t2.micro". It is empty when EC2
	// no longer knows the instance, whose id can outlive it in a load balancer.
	Type string
	// LaunchTime is when the instance last started, in UTC; it moves when a
	// stopped instance is started again. Zero when EC2 no longer knows it.
	LaunchTime time.Time
	// State is the instance's life cycle as EC2 tells it. Empty when EC2 no
	// longer knows it.
	State InstanceState
	// Zone is the name of its availability zone, such as "us-east-1a".
	Zone string
	// PrivateAddress is its address in its network. Empty when it has none.
	PrivateAddress string
	// Name is the value of its tag Name. Empty when it has none.
	Name string
}

// Known reports whether EC2 still knows the instance.
func (i Instance) Known() bool { return i.State != "" }

// InstanceState is a step of an instance's life cycle, in EC2's words.
type InstanceState string

// StateRunning is the only state in which an instance may be attached.
const StateRunning InstanceState = "running"

// Action is what a change does to the membership of a load balancer.
type Action string

// The two actions. AWS calls them register and deregister.
const (
	Attach Action = "attach"
	Detach Action = "detach"
)

// Actor is who asks.
type Actor struct {
	// Name is the user name that the request was authenticated with.
	Name string
}

// Request asks for one change of a load balancer's membership.
type Request struct {
	// ID is the HTTP request's id (X-Request-Id), so that the change can be
	// traced to it.
	ID string
	// ChangeID is the id under which the change is recorded, a UUID of version 7,
	// and At the time that it holds.
	ChangeID     string
	At           time.Time
	Actor        Actor
	Action       Action
	LoadBalancer string
	InstanceID   string
	// Reason is why, in the words of who asks. Empty when none was given.
	Reason string
}

// Result is what came of a Request, whether it succeeded or not.
type Result struct {
	// Instance is what EC2 knows of the instance, when the request succeeded.
	Instance Instance
	// Recorded is whether the change is in the record, or may be. One that its caller
	// withdrew gets there later, unless the process crashes.
	Recorded bool
}

// ValidInstanceID reports whether id has the form of an EC2 instance id: "i-"
// and 8 (until 2016) or 17 lower-case hexadecimal digits.
func ValidInstanceID(id string) bool {
	digits, ok := strings.CutPrefix(id, "i-")
	return ok && (len(digits) == 8 || len(digits) == 17) && strings.Trim(digits, "0123456789abcdef") == ""
}

// ValidLoadBalancerName reports whether AWS would accept name for a Classic
// load balancer: 1 to 32 letters, digits and hyphens, no hyphen at either end.
func ValidLoadBalancerName(name string) bool {
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
