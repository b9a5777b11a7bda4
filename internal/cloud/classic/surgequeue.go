package classic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// metricsDelay is how late CloudWatch usually has the data of a minute.
const metricsDelay = 5 * time.Minute

// SurgeQueue reads the surge queue of a load balancer from CloudWatch.
type SurgeQueue struct {
	loadBalancer string
	getData      func(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
	since        time.Time
}

// NewSurgeQueue returns a SurgeQueue that counts from now on. Endpoint is the URL of an
// emulator or a gateway. Default: CloudWatch, or AWS_ENDPOINT_URL.
func NewSurgeQueue(ctx context.Context, loadBalancer, endpoint string) (*SurgeQueue, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithBaseEndpoint(endpoint))
	if err != nil {
		return nil, fmt.Errorf("load the AWS configuration: %w", err)
	}
	if endpoint != "" {
		cfg.BaseEndpoint = aws.String(endpoint)
	}
	if cfg.BaseEndpoint == nil && cfg.Region == "" {
		return nil, errors.New("no AWS region is set: set AWS_REGION")
	}
	return &SurgeQueue{loadBalancer, cloudwatch.NewFromConfig(cfg).GetMetricData, time.Now()}, nil
}

// Read returns the longest queue of the latest minute, 0 if that is older than metricsDelay,
// and how many requests have spilled over since the minute before NewSurgeQueue.
func (q *SurgeQueue) Read(ctx context.Context) (waiting int, spilled int64, err error) {
	out, err := q.getData(ctx, &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(q.since.Add(-time.Minute)),
		EndTime:   aws.Time(time.Now().Add(time.Minute)),
		MetricDataQueries: []types.MetricDataQuery{
			q.query("waiting", "SurgeQueueLength", "Maximum"), q.query("spilled", "SpilloverCount", "Sum"),
		},
	})
	if err != nil {
		return 0, 0, err
	}
	for _, r := range out.MetricDataResults {
		switch {
		case aws.ToString(r.Id) == "spilled":
			for _, v := range r.Values {
				spilled += int64(v)
			}
		case len(r.Values) > 0 && len(r.Timestamps) > 0 && time.Since(r.Timestamps[0]) < metricsDelay: // the latest is the first
			waiting = int(r.Values[0])
		}
	}
	return waiting, spilled, nil
}

func (q *SurgeQueue) query(id, metric, statistic string) types.MetricDataQuery {
	return types.MetricDataQuery{Id: aws.String(id), MetricStat: &types.MetricStat{
		Stat:   aws.String(statistic),
		Period: aws.Int32(60),
		Metric: &types.Metric{
			Namespace: aws.String("AWS/ELB"), MetricName: aws.String(metric),
			Dimensions: []types.Dimension{{Name: aws.String("LoadBalancerName"), Value: aws.String(q.loadBalancer)}},
		},
	}}
}
