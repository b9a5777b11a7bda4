package lsapi

import (
	"slices"
	"time"
)

// HealthState is the state of a member's health, in the words of Classic load balancers.
type HealthState string

// The states.
const (
	InService     HealthState = "InService"
	OutOfService  HealthState = "OutOfService"
	HealthUnknown HealthState = "Unknown" // AWS reports it, or no health
)

// MemberHealth is the health of a member of a pool, or of one that drains.
type MemberHealth struct {
	Member MemberID
	State  HealthState
	// AWSState is AWS's own word for it, such as "healthy". Empty is State.
	AWSState string
	// Reason is AWS's code of the cause, such as "ELB", "Target.Timeout", or "N/A".
	Reason string
	// Description is AWS's text.
	Description string
	// Draining is whether it is detached and its requests in flight are still finishing.
	// Its State is then InService in a Classic load balancer, and OutOfService in a target
	// group.
	Draining bool
}

// HealthReport is the health of a pool's members, and of those that drain, at a time.
type HealthReport struct {
	Pool PoolID
	// Members are sorted by id. A terminated member is not among them.
	Members []MemberHealth
	// Absent are others that were requested by id and are not draining. Sorted. The state of
	// one in neither list is unknown, unless the report is Whole.
	Absent []MemberID
	// Whole is whether Members have all that drain, so that any other is absent, and those
	// that do not drain are the pool's members.
	Whole bool
	// Incarnation is as in PoolRead. Empty if unknown.
	Incarnation string
	// AsOf is when the read from AWS began.
	AsOf time.Time
}

// IsAbsent reports whether a member is certainly neither a member nor draining.
func (r *HealthReport) IsAbsent(member MemberID) bool {
	if _, ok := slices.BinarySearchFunc(r.Absent, member, MemberID.Compare); ok || !r.Whole {
		return ok
	}
	_, ok := r.Of(member)
	return !ok
}

// Of returns the health of a member; false if it is not in Members.
func (r *HealthReport) Of(member MemberID) (MemberHealth, bool) {
	for i := range r.Members {
		if r.Members[i].Member == member {
			return r.Members[i], true
		}
	}
	return MemberHealth{}, false
}
