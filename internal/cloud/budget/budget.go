// Package budget keeps lsapi within the rate of requests that AWS grants to the
// account: a token bucket per API category, as middleware of the AWS SDK, so
// that every attempt of every call draws a token, retries included.
//
// Who waits for a token is served by Rank, and first come first served within a
// rank. Whoever has waited the longest gets every fourth token whatever its rank,
// so that a client who never stops writing cannot keep the background refresh
// from its turn, and with it everybody else's answers from growing old.
//
// AWS's own buckets are shared with everything else that uses the account. When
// AWS throttles an attempt that had a token, others have drawn what lsapi
// thought was there: the bucket is emptied, so that what follows is spaced by
// the refill rate. It is never emptied below zero, hence full again Burst /
// PerSecond seconds after the last throttle.
package budget

import (
	"maps"
	"slices"
)

// Budget is the allowance of one AWS account and region. It is safe for
// concurrent use, and runs nothing in the background while nobody waits.
type Budget struct {
	buckets map[Category]*bucket
}

// New returns a Budget with full buckets. A category that sizes does not name
// has its default; nil is DefaultSizes. The error names every size that makes
// no sense.
func New(sizes Sizes) (*Budget, error) {
	if err := sizes.Validate(); err != nil {
		return nil, err
	}
	all := DefaultSizes()
	maps.Copy(all, sizes)
	buckets := make(map[Category]*bucket, len(all))
	for category, size := range all {
		buckets[category] = newBucket(category, size)
	}
	return &Budget{buckets: buckets}, nil
}

// Divide leaves this process one of so many equal shares of the allowance: that
// of one among as many live replicas. It is called whenever their number
// changes, and with 1 when there is only this one; less counts as 1.
func (b *Budget) Divide(by int) {
	for _, bucket := range b.buckets {
		bucket.divide(max(1, by))
	}
}

// Tokens returns how many requests of the category may go out at once now: at
// most its Burst, 0 for a category that does not exist.
func (b *Budget) Tokens(category Category) float64 {
	if bucket, ok := b.buckets[category]; ok {
		return bucket.tokens()
	}
	return 0
}

// Stats returns what happened since the start, a line for each category, in the
// order of their names.
func (b *Budget) Stats() []Stats {
	stats := make([]Stats, 0, len(b.buckets))
	for _, category := range slices.Sorted(maps.Keys(b.buckets)) {
		stats = append(stats, b.buckets[category].snapshot())
	}
	return stats
}
