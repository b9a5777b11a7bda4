package lsapi

import "time"

// MemberHistory is the recorded history of a current or recent member.
type MemberHistory struct {
	// Member is whether it is a member by the record. Since, ChangeID and Source are then as
	// in RecordedMember.
	Member   bool
	Since    time.Time
	ChangeID string
	Source   Source
	// LastChange is the last change by lsapi that is applied, open or unknown. Nil if there
	// is none.
	LastChange *Change
	// Health is the last recorded health, and HealthSince when it changed to that. Nil if
	// none is recorded.
	Health      *MemberHealth
	HealthSince time.Time
	// Unavailable is whether the record could not be read. All other fields are zero then.
	Unavailable bool
}

// PoolSummary is a pool in a list.
type PoolSummary struct {
	ID          PoolID
	Description *Description
	// Tags are nil if unknown.
	Tags map[string]string
	// MemberCount is the number of members as of AsOf. AsOf is zero if they have never been read.
	MemberCount int
	AsOf        time.Time
	// Health counts the states as of HealthAsOf. Nil if it could not be read in time.
	Health     *HealthCounts
	HealthAsOf time.Time
}

// PoolsPage is a page of a list of pools.
type PoolsPage struct {
	// Pools are sorted.
	Pools []PoolSummary
	// More is whether there are more pools.
	More bool
	// Outdated is as in Listing.
	Outdated []KindListing
}

// HealthCounts counts members by state, and the draining instances, which are not members.
type HealthCounts struct {
	InService, OutOfService, Unknown, Draining int
}

// Of returns the number of members in a state.
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

// PoolDetail is a pool in full.
type PoolDetail struct {
	PoolSummary
	// Attributes are nil if unknown.
	Attributes *Attributes
	// Routes forward to a target group, sorted by load balancer, port and priority. Nil if
	// there are none, or they are unknown.
	Routes []Route
	// Members are its members in AWS's order, then those that drain.
	Members []MemberDetail
}

// MemberDetail is a member or a draining one, with its health and its history.
type MemberDetail struct {
	ID MemberID
	// Instance is EC2's description of the instance. Zero for an IP address.
	Instance Instance
	// Member is whether AWS lists it as a member.
	Member bool
	// Health is nil if AWS reports none, or it is unknown.
	Health  *MemberHealth
	History MemberHistory
}

// InstanceDetail is an instance and the pools that it serves in.
type InstanceDetail struct {
	// Instance is EC2's description. Only its ID is set if EC2 has no such instance, or
	// could not be read.
	Instance
	// Memberships are sorted by pool. They include the pools that the instance still drains
	// in.
	Memberships []InstanceMembership
	// Unread are the pools whose membership could not be read as fresh as requested, sorted.
	// Outdated are the kinds whose listing fails or is too old: pools of theirs may be
	// missing. Whole is whether there are neither, and no other pool can be missing.
	Unread   []PoolID
	Outdated []KindListing
	Whole    bool
}

// InstanceMembership is an instance as a member of a pool, or draining in it.
type InstanceMembership struct {
	Pool PoolID
	MemberDetail
	// AsOf is when the read of the membership began, HealthAsOf that of the health. Zero is
	// unknown.
	AsOf, HealthAsOf time.Time
}

// Memberships are the pools of an instance.
type Memberships struct {
	// Found are the pools, sorted.
	Found []FoundMember
	// Unread, Outdated and Whole are as in InstanceDetail.
	Unread   []PoolID
	Outdated []KindListing
	Whole    bool
}

// FoundMember is a member of a pool as of a time.
type FoundMember struct {
	Pool PoolID
	Member
	// Health is that of the pool, as in Membership.
	Health *HealthReport
	AsOf   time.Time
}

// DrainingMember is a former member of a pool that may be draining.
type DrainingMember struct {
	Pool PoolID
	ID   MemberID
}

// FleetFilter selects pools. The zero value of a field matches all.
type FleetFilter struct {
	Kind Kind
	// Name is a pattern: * stands for any characters, ? for one.
	Name string
	// Tags are the required tags and values. An empty value matches any.
	Tags map[string]string
	// Health matches pools with a member in this state.
	Health HealthState
	// Instance matches pools that have the instance with this id as a member.
	Instance string
	// VPC matches pools of the VPC with this id.
	VPC string
	// After is a pool; only those behind it in PoolID's order match.
	After PoolID
	// Limit is the greatest number of results. It must be positive.
	Limit int
}

// WaitCondition is the state of a member that a caller waits for.
type WaitCondition string

// The conditions.
const (
	WaitInService WaitCondition = "inService" // a member in service
	WaitDrained   WaitCondition = "drained"   // neither a member nor draining
	WaitAbsent    WaitCondition = "absent"    // not a member; it may be draining
)
