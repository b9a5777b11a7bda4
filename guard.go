package lsapi

import "strings"

// GuardVerdict is what a guard says of a change, as it is on record.
type GuardVerdict struct {
	// Rule is the rule with its value, such as "minInService 3".
	Rule string
	// Overridden is whether the change was made nevertheless.
	Overridden bool
	// Reason is the caller's reason for that. Empty if it was not overridden.
	Reason string
}

// GuardRefusal is in the chain of the error of a change that a guard refuses.
type GuardRefusal struct {
	// Rule is the rule with its value, such as "minInService 3".
	Rule string
	// Text has the numbers, such as "3 of 4 in service, minInService 3".
	Text string
	// Members are those that count, sorted.
	Members []GuardedMember
}

// GuardedMember is a member as a guard counts it.
type GuardedMember struct {
	Member MemberID
	// Zone is the availability zone of its instance. Empty if unknown.
	Zone string
	// Standing is how it counts.
	Standing Standing
}

// Standing is how a guard counts a member, or a former one.
type Standing string

// The standings.
const (
	StandingInService Standing = "inService"    // it serves
	StandingOut       Standing = "outOfService" // a member that does not serve
	StandingUnknown   Standing = "unknown"      // a member of which AWS does not say whether it serves
	StandingDraining  Standing = "draining"     // detached, with requests in flight
	StandingDetached  Standing = "detached"     // detached by lsapi, and not back
)

func (r *GuardRefusal) Error() string { return strings.TrimSpace(r.Text) }
