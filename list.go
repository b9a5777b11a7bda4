package lsapi

import "time"

// Membership is a pool's members at a time.
type Membership struct {
	Pool PoolID
	// Members are in AWS's order.
	Members []Member
	// Description is the pool's configuration. Nil if unknown.
	Description *Description
	// Health came with the members. Nil if the kind of pool has it apart.
	Health *HealthReport
	// MembersUnlisted is as in Pool.
	MembersUnlisted bool
	// AsOf is when the read of the members began. Zero if they have never been read.
	AsOf time.Time
}

// Member is a member of a pool.
type Member struct {
	ID MemberID
	// Instance is EC2's description of the instance. Zero for an IP address.
	Instance Instance
}

// Listing is what is known of the pools of a region.
type Listing struct {
	// Pools are sorted. The pools of a kind whose last listing is too old to be served are
	// left out.
	Pools []Membership
	// Outdated are the kinds whose listing fails, or is older than the bound.
	Outdated []KindListing
}

// KindListing is the state of the listing of a kind of pool. AWS lists each kind by itself.
type KindListing struct {
	Kind Kind
	// AsOf is when the last whole listing began. Zero: there has been none.
	AsOf time.Time
	// Served is whether the pools of that listing may still be served.
	Served bool
	// Failure is the code of the last try since, if that has failed.
	Failure Code
	// Denied is whether it failed because lsapi's role lacks the permission.
	Denied bool
}

// SharedListing is a listing of a kind of pool by one replica that all replicas use, so that
// AWS traffic does not grow with their number.
type SharedListing struct {
	// KindListing is its state. AsOf is on the reader's clock, and never too late.
	KindListing
	// Version grows with each listing and each failure.
	Version int64
	// Pools are those that differ from the reader's version; all if it has none.
	Pools []Membership
	// Gone are pools in the reader's version that the listing lacks.
	Gone []PoolID
	// Whole is whether Pools are all of them, because the differences from the
	// reader's version are no longer recorded.
	Whole bool
}

// EncodedList is a list of members, encoded once and sent to many clients. It is
// immutable.
type EncodedList struct {
	Body []byte
	// ETag is the strong entity tag of Body, quotes included.
	ETag string
	// Length is the length of Body in bytes, in decimal digits.
	Length string
	// AsOf is when its read from AWS began.
	AsOf time.Time
}
