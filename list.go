package lsapi

import "time"

// Membership is a load balancer's members as AWS returned them, without recent changes that
// AWS may not show yet.
type Membership struct {
	Pool PoolID
	// Members are in AWS's order, with EC2's description.
	Members []Instance
	// Description is the load balancer's configuration. Nil if unknown.
	Description *Description
}

// SharedListing is a listing of the region by one replica that all replicas use, so that
// AWS traffic does not grow with their number.
type SharedListing struct {
	// Version grows with each listing.
	Version int64
	// AsOf is when the listing began, on the reader's clock; never later than it was.
	AsOf time.Time
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
