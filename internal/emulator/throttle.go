package emulator

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// bucket is a category of calls that AWS limits together.
type bucket int

const (
	unlimited bucket = iota
	elbReads
	elbWrites
	ec2Listings
	ec2Searches
	ec2Changes
	ec2Launches
)

// buckets are AWS's sizes: how many calls at once, and how many more a second.
// Classic ELB has one bucket for each category; EC2 has one for each action.
// Sources: "Request throttling for the Amazon EC2 API" in its developer guide;
// for ELB "API request throttling" (reads) and what controllers that live
// with it have settled on (writes).
var buckets = map[bucket]struct {
	size      int
	perSecond rate.Limit
	perAction bool
}{
	elbReads:    {size: 40, perSecond: 10},
	elbWrites:   {size: 20, perSecond: 4},
	ec2Listings: {size: 50, perSecond: 10, perAction: true}, // describes without filter and page size
	ec2Searches: {size: 100, perSecond: 20, perAction: true},
	ec2Changes:  {size: 50, perSecond: 5, perAction: true},
	ec2Launches: {size: 5, perSecond: 2, perAction: true}, // RunInstances, StartInstances
}

// always is the choice of an action whose calls are all alike.
func always(b bucket) func(query) bucket {
	return func(query) bucket { return b }
}

// describing chooses between EC2's two buckets for describes.
func describing(q query) bucket {
	if len(q.elements("Filter")) > 0 || len(q.elements("InstanceId")) > 0 || q.has("MaxResults") {
		return ec2Searches
	}
	return ec2Listings
}

// throttle holds the buckets that have been drawn from.
type throttle struct {
	mu       sync.Mutex
	limiters map[drawn]*rate.Limiter
}

type drawn struct {
	bucket bucket
	action string // empty when the bucket is for the whole category
}

func newThrottle() *throttle { return &throttle{limiters: map[drawn]*rate.Limiter{}} }

// allow draws a token for an action, and reports whether there was one.
func (t *throttle) allow(b bucket, action string, now time.Time) bool {
	if b == unlimited {
		return true
	}
	sizes := buckets[b]
	if !sizes.perAction {
		action = ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := drawn{b, action}
	if t.limiters[key] == nil {
		t.limiters[key] = rate.NewLimiter(sizes.perSecond, sizes.size)
	}
	return t.limiters[key].AllowN(now, 1)
}
