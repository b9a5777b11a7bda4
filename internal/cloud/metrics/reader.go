// Package metrics reads CloudWatch's metrics of load balancers.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// period is the finest resolution of the metrics.
const period = time.Minute

// newConfig returns the AWS configuration of the environment. Endpoint is the URL of an
// emulator or a gateway. Default: AWS, or AWS_ENDPOINT_URL.
func newConfig(ctx context.Context, endpoint string) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithBaseEndpoint(endpoint))
	if err != nil {
		return cfg, fmt.Errorf("load the AWS configuration: %w", err)
	}
	if endpoint != "" {
		cfg.BaseEndpoint = aws.String(endpoint)
	}
	if cfg.BaseEndpoint == nil && cfg.Region == "" {
		return cfg, errors.New("no AWS region is set: set AWS_REGION")
	}
	return cfg, nil
}

// query is a statistic of a metric.
type query struct {
	namespace, metric, statistic string
	dimensions                   []types.Dimension
}

func dimension(name, value string) types.Dimension {
	return types.Dimension{Name: aws.String(name), Value: aws.String(value)}
}

// reader calls CloudWatch.
type reader struct {
	api cloudwatch.GetMetricDataAPIClient
}

// read returns the values of each query by the start of their minute, from the minute of
// since until now. Minutes without values are absent.
func (r reader) read(ctx context.Context, since time.Time, queries []query) ([]map[time.Time]float64, error) {
	in := &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(since.Truncate(period)),
		EndTime:   aws.Time(time.Now().Add(period)),
	}
	byID := make(map[string]map[time.Time]float64, len(queries))
	all := make([]map[time.Time]float64, len(queries))
	for i, q := range queries {
		id := "q" + strconv.Itoa(i)
		all[i] = make(map[time.Time]float64)
		byID[id] = all[i]
		in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{Id: aws.String(id), MetricStat: &types.MetricStat{
			Stat:   aws.String(q.statistic),
			Period: aws.Int32(int32(period / time.Second)),
			Metric: &types.Metric{Namespace: aws.String(q.namespace), MetricName: aws.String(q.metric), Dimensions: q.dimensions},
		}})
	}
	for pages := cloudwatch.NewGetMetricDataPaginator(r.api, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, result := range page.MetricDataResults {
			values := byID[aws.ToString(result.Id)]
			if values == nil || len(result.Values) != len(result.Timestamps) {
				return nil, fmt.Errorf("CloudWatch returned a malformed result for the query %s", aws.ToString(result.Id))
			}
			for i, at := range result.Timestamps {
				values[at.UTC()] = result.Values[i]
			}
		}
	}
	return all, nil
}
