// Package load asks services for much, and measures how they answer.
package load

import (
	"math"
	"slices"
	"time"
)

// Latencies are how long answers took, the shortest first.
type Latencies []time.Duration

// NewLatencies sorts all that several clients have measured.
func NewLatencies(measured ...[]time.Duration) Latencies {
	all := slices.Concat(measured...)
	slices.Sort(all)
	return all
}

// Percentile returns the least latency that a share of the answers did not
// exceed: 0.99 for the 99th percentile. 0 when there are none.
func (l Latencies) Percentile(share float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	rank := int(math.Ceil(share * float64(len(l))))
	return l[min(max(rank, 1), len(l))-1]
}
