package lsapi

import "time"

// HealthState is the state of a member's health, in AWS's words.
type HealthState string

// The states.
const (
	InService     HealthState = "InService"
	OutOfService  HealthState = "OutOfService"
	HealthUnknown HealthState = "Unknown" // AWS reports it, or no health
)

// MemberHealth is the health of an instance in a load balancer.
type MemberHealth struct {
	Member MemberID
	State  HealthState
	// Reason is AWS's code of the cause: "ELB", "Instance", or "N/A".
	Reason string
	// Description is AWS's text.
	Description string
	// Draining is whether the instance is detached and its requests in flight are still
	// finishing. Its State is InService then; it is derived from Description.
	Draining bool
}

// HealthReport is the health of a load balancer's members and draining instances at a time.
type HealthReport struct {
	Pool PoolID
	// Members are sorted by id. A terminated member is not among them.
	Members []MemberHealth
	// Absent are other instances that were requested by id and are not draining. Sorted. The
	// state of an instance in neither list is unknown.
	Absent []MemberID
	// AsOf is when the read from AWS began.
	AsOf time.Time
}

// Of returns the health of an instance; false if it is not in Members.
func (r HealthReport) Of(member MemberID) (MemberHealth, bool) {
	for _, m := range r.Members {
		if m.Member == member {
			return m, true
		}
	}
	return MemberHealth{}, false
}
