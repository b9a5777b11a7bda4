package lsapi

import "time"

// HealthState is what a load balancer says of a member, in AWS's words.
type HealthState string

// The states.
const (
	InService     HealthState = "InService"
	OutOfService  HealthState = "OutOfService"
	HealthUnknown HealthState = "Unknown" // AWS says so, or nothing at all
)

// MemberHealth is what a load balancer says of one instance.
type MemberHealth struct {
	InstanceID string
	State      HealthState
	// Reason is AWS's code of who is to blame: "ELB", "Instance", or "N/A".
	Reason string
	// Description is AWS's sentence.
	Description string
	// Draining is whether the instance is detached and its requests in flight still
	// finish. Its State is InService then: only AWS's sentence tells.
	Draining bool
}

// HealthReport is the health of a load balancer's members, and of the instances
// that it is draining, as it was read.
type HealthReport struct {
	LoadBalancer string
	// Members are sorted by id. A terminated member is not among them.
	Members []MemberHealth
	// Absent are other instances that were asked about by their ids, and of which the
	// load balancer says nothing: they are not being drained. Sorted. Of who is in
	// neither list, the report tells nothing.
	Absent []string
	// AsOf is when the asking began.
	AsOf time.Time
}

// Of returns what the report says of an instance; false when it says nothing.
func (r HealthReport) Of(instanceID string) (MemberHealth, bool) {
	for _, m := range r.Members {
		if m.InstanceID == instanceID {
			return m, true
		}
	}
	return MemberHealth{}, false
}
