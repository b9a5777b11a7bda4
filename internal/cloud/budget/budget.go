// Package budget keeps lsapi within AWS's request rate for the account: a token bucket for
// each API category, as middleware of the AWS SDK. Every attempt of every call takes a
// token, retries included.
//
// Waiting attempts are served by priority, and in order of arrival within a level. The
// oldest gets every fourth token whatever its level, so that continuous writes cannot
// block the background refresh.
//
// AWS's buckets are shared with everything else that uses the account. When AWS throttles
// an attempt, others have used the tokens: the bucket is emptied, so that requests are
// spaced by the refill rate. It is full again Burst / PerSecond seconds after the last
// throttle.
package budget

import (
	"maps"
	"slices"
)

// Budget is the allowance of an AWS account and region. It is safe for concurrent use.
type Budget struct {
	buckets map[Category]*bucket
}

// New returns a Budget with full buckets. A category without a size has no limit.
func New(sizes Sizes) *Budget {
	buckets := make(map[Category]*bucket, len(sizes))
	for category, size := range sizes {
		buckets[category] = newBucket(category, size)
	}
	return &Budget{buckets: buckets}
}

// Divide sets this process's equal share of the allowance, for so many live replicas. A
// number below 1 counts as 1.
func (b *Budget) Divide(replicas int) {
	for _, bucket := range b.buckets {
		bucket.divide(max(1, replicas))
	}
}

// Stats returns the statistics of all categories, sorted by category.
func (b *Budget) Stats() []Stats {
	stats := make([]Stats, 0, len(b.buckets))
	for _, category := range slices.Sorted(maps.Keys(b.buckets)) {
		stats = append(stats, b.buckets[category].snapshot())
	}
	return stats
}
