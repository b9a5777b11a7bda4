package main

import (
	"maps"
	"math"
	"slices"
	"time"
)

// buckets are a cumulative histogram: the number of observations up to each bound, in
// seconds. The greatest bound is infinite.
type buckets map[float64]float64

// since returns the observations after an earlier state of the same histogram.
func (b buckets) since(before buckets) buckets {
	later := maps.Clone(b)
	for bound, count := range before {
		later[bound] -= count
	}
	return later
}

// atMost returns the bounds of the bucket that contains a quantile, the upper one first;
// 0 and 0 without observations.
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
