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

// IsTerminated reports whether EC2 has terminated the instance or no longer knows it, so that
// it cannot come back.
func (i Instance) IsTerminated() bool { return !i.Exists() || i.State == StateTerminated }

// InstanceState is a life cycle state, in EC2's words.
type InstanceState string

// StateRunning is the only state in which an instance may be attached, StateTerminated the
// last one, in which EC2 has it for an hour.
const (
	StateRunning    InstanceState = "running"
	StateTerminated InstanceState = "terminated"
)

// ValidInstanceID reports whether id has the form of an EC2 instance id: "i-"
// and 8 (until 2016) or 17 lower-case hexadecimal digits.
func ValidInstanceID(id string) bool {
	digits, ok := strings.CutPrefix(id, "i-")
	return ok && (len(digits) == 8 || len(digits) == 17) && strings.Trim(digits, "0123456789abcdef") == ""
}
