package metrics

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// pages returns one of the pages to each call, by its token.
type pages map[string]*cloudwatch.GetMetricDataOutput

func (p pages) GetMetricData(_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	return p[aws.ToString(in.NextToken)], nil
}

func TestReaderMergesPages(t *testing.T) {
	first := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	second := first.Add(time.Minute)
	page := func(token string, results ...types.MetricDataResult) *cloudwatch.GetMetricDataOutput {
		out := &cloudwatch.GetMetricDataOutput{MetricDataResults: results}
		if token != "" {
			out.NextToken = aws.String(token)
		}
		return out
	}
	result := func(id string, at time.Time, values ...float64) types.MetricDataResult {
		return types.MetricDataResult{Id: aws.String(id), Timestamps: []time.Time{at}, Values: values}
	}
	r := reader{pages{"": page("more", result("q0", first, 1)), "more": page("", result("q0", second, 2), result("q1", second, 3))}}
	got, err := r.read(t.Context(), first, make([]query, 2))
	if err != nil || !maps.Equal(got[0], map[time.Time]float64{first: 1, second: 2}) || !maps.Equal(got[1], map[time.Time]float64{second: 3}) {
		t.Errorf("it reads %v, %v", got, err)
	}
	for name, malformed := range map[string]types.MetricDataResult{"another id": result("q2", first, 1), "more values than times": result("q1", first, 1, 2)} {
		if _, err := (reader{pages{"": page("", malformed)}}).read(t.Context(), first, make([]query, 2)); err == nil || !strings.Contains(err.Error(), "malformed") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
