package budget

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Size is the size of a token bucket.
type Size struct {
	// Burst is how many requests may be sent at once.
	Burst int
	// PerSecond is the refill rate.
	PerSecond float64
}

// Sizes are sizes by category.
type Sizes map[Category]Size

// DefaultSizes returns AWS's sizes for an account and region.
//
// Sources: "Request throttling for the Elastic Load Balancing API" in the ELB
// user guide, elb-api-throttling (Describe* of API version 1, which has buckets
// apart from version 2); "Request throttling for the Amazon EC2 API" in the EC2
// developer guide, ec2-api-throttling (non-mutating actions; unfiltered and
// unpaginated ones). Classic ELB's bucket for writes is not documented: the size is that
// of the AWS Load Balancer Controller for registrations.
func DefaultSizes() Sizes {
	return Sizes{
		ELBRead:     {Burst: 40, PerSecond: 10},
		ELBWrite:    {Burst: 20, PerSecond: 4},
		EC2Filtered: {Burst: 100, PerSecond: 20},
		EC2Plain:    {Burst: 50, PerSecond: 10},
	}
}

// Validate returns an error that lists every unknown category and every size that is not
// positive and finite.
func (s Sizes) Validate() error {
	var problems []error
	defaults := DefaultSizes()
	for _, category := range slices.Sorted(maps.Keys(s)) {
		if _, ok := defaults[category]; !ok {
			problems = append(problems, fmt.Errorf("budget %q: there is no such category", category))
			continue
		}
		if burst := s[category].Burst; burst < 1 {
			problems = append(problems, fmt.Errorf("budget %s: burst is %d, want at least 1", category, burst))
		}
		if rate := s[category].PerSecond; rate <= 0 || math.IsNaN(rate) || math.IsInf(rate, 0) {
			problems = append(problems, fmt.Errorf("budget %s: %v requests per second, want a finite number above 0", category, rate))
		}
	}
	return errors.Join(problems...)
}
