package metrics

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// delay is how late CloudWatch usually has the data of a minute.
const delay = 5 * time.Minute

// SurgeQueue reads the surge queue of a Classic load balancer.
type SurgeQueue struct {
	reader
	loadBalancer string
	since        time.Time
}

// NewSurgeQueue returns a SurgeQueue that counts from now on. Endpoint: see NewTargetGroup.
func NewSurgeQueue(ctx context.Context, loadBalancer, endpoint string) (*SurgeQueue, error) {
	cfg, err := newConfig(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	return &SurgeQueue{reader{cloudwatch.NewFromConfig(cfg)}, loadBalancer, time.Now()}, nil
}

// Read returns the longest queue of the latest minute, 0 if that is older than delay, and
// how many requests have spilled over since the minute before NewSurgeQueue.
func (q *SurgeQueue) Read(ctx context.Context) (waiting int, spilled int64, err error) {
	dimensions := []types.Dimension{dimension("LoadBalancerName", q.loadBalancer)}
	values, err := q.read(ctx, q.since.Add(-period), []query{
		{"AWS/ELB", "SurgeQueueLength", "Maximum", dimensions},
		{"AWS/ELB", "SpilloverCount", "Sum", dimensions},
	})
	if err != nil {
		return 0, 0, err
	}
	var latest time.Time
	for at, longest := range values[0] {
		if at.After(latest) && time.Since(at) < delay {
			latest, waiting = at, int(longest)
		}
	}
	for _, count := range values[1] {
		spilled += int64(count)
	}
	return waiting, spilled, nil
}
