package main

import (
	"maps"
	"math"
	"slices"
	"time"
)

// buckets are a histogram of seconds: how many observations were of at most each
// bound. The greatest bound is infinite.
type buckets map[float64]float64

// since returns what was observed after an earlier state of the same histogram.
func (b buckets) since(before buckets) buckets {
	later := maps.Clone(b)
	for bound, count := range before {
		later[bound] -= count
	}
	return later
}

// atMost returns the least bound that a share of the observations did not exceed,
// and the bound below it: the quantile is between the two. 0 and 0 when nothing
// was observed.
func (b buckets) atMost(share float64) (above, bound time.Duration) {
	bounds := slices.Sorted(maps.Keys(b))
	if len(bounds) == 0 || b[bounds[len(bounds)-1]] == 0 {
		return 0, 0
	}
	wanted := share * b[bounds[len(bounds)-1]]
	for _, limit := range bounds {
		bound = seconds(limit)
		if b[limit] >= wanted {
			break
		}
		above = bound
	}
	return above, bound
}

func seconds(s float64) time.Duration {
	if math.IsInf(s, 1) {
		return math.MaxInt64
	}
	return time.Duration(s * float64(time.Second))
}
