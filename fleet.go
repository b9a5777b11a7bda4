package lsapi

import "time"

// MemberHistory is what the record holds on an instance that is a member of a load
// balancer, or was one a moment ago.
type MemberHistory struct {
	// Member is whether the record has it as a member. Since, ChangeID and Source
	// are then as in RecordedMember.
	Member   bool
	Since    time.Time
	ChangeID string
	Source   Source
	// LastChange is the last change that lsapi made or began to make of it in this
	// load balancer: applied, open or unknown. Nil when there is none on record.
	LastChange *Change
	// Health is what was last recorded of its health, and HealthSince since when it
	// has been that. Nil when nothing is.
	Health      *MemberHealth
	HealthSince time.Time
	// Unavailable is whether the record could not be read: all else is zero then.
	Unavailable bool
}

// PoolSummary is a load balancer as it is listed.
type PoolSummary struct {
	Name        string
	Description *Description
	// Tags are AWS's. Nil when they are not known.
	Tags map[string]string
	// Members counts them, as of AsOf.
	Members int
	AsOf    time.Time
	// Health counts the states, as of HealthAsOf. Nil when nobody has asked for it
	// lately and AWS could not be asked in time.
	Health     *HealthCounts
	HealthAsOf time.Time
}

// HealthCounts is how many members are in which state, and how many instances are
// being drained, which are no members.
type HealthCounts struct {
	InService, OutOfService, Unknown, Draining int
}

// Of returns how many members are in a state.
func (c HealthCounts) Of(state HealthState) int {
	switch state {
	case InService:
		return c.InService
	case OutOfService:
		return c.OutOfService
	case HealthUnknown:
		return c.Unknown
	}
	return 0
}

// PoolDetail is a load balancer as it is shown.
type PoolDetail struct {
	PoolSummary
	// Attributes are nil when AWS could not be asked.
	Attributes *Attributes
	// Instances are its members in AWS's order, then those that are being drained.
	Instances []MemberDetail
}

// MemberDetail is a member, or an instance that is being drained: what was asked
// for and what is observed, side by side.
type MemberDetail struct {
	Instance
	// Member is whether AWS lists it as a member.
	Member bool
	// Health is what the load balancer says of it. Nil when that is not known, or it
	// says nothing.
	Health *MemberHealth
	// History is what the record holds on it.
	History MemberHistory
}

// FleetFilter says which load balancers to list. The zero value of a field is all.
type FleetFilter struct {
	// Name is a pattern: * stands for any characters, ? for one.
	Name string
	// Tags are those that it must have, with these values; an empty value is any.
	Tags map[string]string
	// Health lets those through that have a member in this state.
	Health HealthState
	// After is a name: only those behind it are listed.
	After string
	// Limit is how many at most; it must be positive.
	Limit int
}

// WaitCondition is the state of a member that a caller waits for.
type WaitCondition string

// The conditions.
const (
	WaitInService WaitCondition = "inService" // a member that serves
	WaitDrained   WaitCondition = "drained"   // neither a member nor being drained
	WaitAbsent    WaitCondition = "absent"    // not a member; it may still be drained
)
