package lsapi

import "time"

// SharedListing is what one replica found when it listed the region, for all others
// to show, so that AWS is asked once however many there are.
type SharedListing struct {
	// Version grows with each listing.
	Version int64
	// AsOf is when the asking began, on the clock of whoever reads this; never
	// later than it was.
	AsOf time.Time
	// LoadBalancers are those of which something differs from the version that
	// the reader has; all when it has none.
	LoadBalancers []Membership
	// Gone are the names that the listing lacks and the reader's version has.
	Gone []string
	// Whole is whether LoadBalancers are all that there are, because it is not known any
	// more in what the reader's version differs.
	Whole bool
}

// Membership is a load balancer's members, as AWS gave them: without the changes
// that it may not have shown yet.
type Membership struct {
	LoadBalancer string
	// Members are in AWS's order, with EC2's facts.
	Members []Instance
	// Description is how the load balancer is set up. Nil when that is not known.
	Description *Description
}
