// Package load puts load on services and measures their responses.
package load

import (
	"math"
	"slices"
	"time"
)

// Latencies are the sorted latencies of responses.
type Latencies []time.Duration

// NewLatencies merges and sorts the latencies of several clients.
func NewLatencies(measured ...[]time.Duration) Latencies {
	all := slices.Concat(measured...)
	slices.Sort(all)
	return all
}

// Percentile returns the least latency that a share of the responses did not exceed: 0.99
// for the 99th percentile. It is 0 without responses.
func (l Latencies) Percentile(share float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	rank := int(math.Ceil(share * float64(len(l))))
	return l[min(max(rank, 1), len(l))-1]
}
