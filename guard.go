package lsapi

import (
	"strings"
	"time"
)

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

// PoolGuard is what the guards of a pool allow now.
type PoolGuard struct {
	Pool PoolID
	// Rules all hold. Unknown is what could not be read: rules or members may be missing, and
	// detaches are refused. Empty if nothing is missing.
	Rules   []GuardRule
	Unknown GuardUnknown
	// Frozen is whether every change is refused now.
	Frozen bool
	// InService is the number of members in service, Out that of the others in Members.
	InService, Out int
	// Headroom is how many members in service can be detached now. Nil: no rule limits it.
	Headroom *int
	// Members are those that count, sorted. Empty if Unknown is GuardHealth.
	Members []GuardedMember
	// AsOf is when the read of the members began, HealthAsOf that of their health. Zero is
	// unknown.
	AsOf, HealthAsOf time.Time
}

// GuardRule is a rule of a pool.
type GuardRule struct {
	// Kind is the kind of the rule as policies name it, or "malformed". Text is the rule with
	// its value, such as "minInService 50%".
	Kind, Text string
	// Number is the number of members that it means now. Nil if it means none.
	Number *int
	// Source is where it is from, such as "policy.yaml:4" or "tag lsapi:max-out".
	Source string
}

// GuardUnknown is what a PoolGuard lacks.
type GuardUnknown string

// The unknowns. Of several, a PoolGuard has the first.
const (
	GuardTags   GuardUnknown = "tags"   // the pool's tags, which may be guards
	GuardHealth GuardUnknown = "health" // the health of the members
	GuardRecord GuardUnknown = "record" // the record, which has the detached members
)
