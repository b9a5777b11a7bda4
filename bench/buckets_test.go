package main

import (
	"math"
	"testing"
	"time"
)

func TestQuantileIsWithinItsBucket(t *testing.T) {
	before := buckets{0.005: 50, 0.01: 50, 0.015: 50, math.Inf(1): 50}
	all := buckets{0.005: 100, 0.01: 148, 0.015: 149, math.Inf(1): 150}.since(before)
	for _, test := range []struct {
		share        float64
		above, bound time.Duration
	}{
		{0.5, 0, 5 * time.Millisecond},
		{0.51, 5 * time.Millisecond, 10 * time.Millisecond},
		{0.98, 5 * time.Millisecond, 10 * time.Millisecond},
		{0.99, 10 * time.Millisecond, 15 * time.Millisecond},
		{1, 15 * time.Millisecond, math.MaxInt64},
	} {
		if above, bound := all.atMost(test.share); above != test.above || bound != test.bound {
			t.Errorf("%v is between %v and %v, want %v and %v", test.share, above, bound, test.above, test.bound)
		}
	}
	if above, bound := before.since(before).atMost(0.5); above != 0 || bound != 0 {
		t.Errorf("of nothing the median is between %v and %v", above, bound)
	}
}
