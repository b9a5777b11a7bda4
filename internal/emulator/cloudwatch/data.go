package cloudwatch

import (
	"cmp"
	"slices"
	"time"

	"lsapi/internal/emulator/dataplane"
	"lsapi/internal/emulator/wire"
)

const (
	maxMetricQueries = 500 // per GetMetricData
	scanAscending    = "TimestampAscending"
)

// getMetricData does not support metric math and percentiles.
func (s *Service) getMetricData(c wire.Call) (any, error) {
	var in getMetricDataInput
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if err := in.validate(); err != nil {
		return nil, err
	}
	out := &getMetricDataResult{}
	for _, q := range in.MetricDataQueries {
		result, err := s.queryMetric(q, &in)
		if err != nil {
			return nil, err
		}
		if q.ReturnData == nil || *q.ReturnData {
			out.MetricDataResults.Members = append(out.MetricDataResults.Members, result)
		}
	}
	return out, nil
}

func (in *getMetricDataInput) validate() error {
	switch {
	case len(in.MetricDataQueries) == 0:
		return errMissing("MetricDataQueries")
	case len(in.MetricDataQueries) > maxMetricQueries:
		return wire.InvalidParameter("The collection MetricDataQueries must not have a size greater than %d.", maxMetricQueries)
	case in.ScanBy != "" && in.ScanBy != scanAscending && in.ScanBy != "TimestampDescending":
		return wire.InvalidParameter("The value %s for parameter ScanBy is not supported.", in.ScanBy)
	}
	return validateTimes(in.StartTime.Time, in.EndTime.Time)
}

func (s *Service) queryMetric(q metricDataQuery, in *getMetricDataInput) (metricDataResult, error) {
	if q.MetricStat == nil {
		return metricDataResult{}, wire.InvalidParameter("The metric query %s has no MetricStat; expressions are not emulated.", q.ID)
	}
	points, err := s.points(q.MetricStat.Metric, q.MetricStat.Period, in.StartTime.Time, in.EndTime.Time)
	if err != nil {
		return metricDataResult{}, err
	}
	value, err := statistic(q.MetricStat.Stat)
	if err != nil {
		return metricDataResult{}, err
	}
	if in.ScanBy != scanAscending {
		slices.Reverse(points)
	}
	result := metricDataResult{ID: q.ID, Label: cmp.Or(q.Label, q.MetricStat.Metric.MetricName), StatusCode: "Complete"}
	for _, p := range points {
		result.Timestamps.Members = append(result.Timestamps.Members, wire.Timestamp(p.At))
		result.Values.Members = append(result.Values.Members, value(p.Statistics))
	}
	return result, nil
}

// getMetricStatistics returns the data points oldest first.
func (s *Service) getMetricStatistics(c wire.Call) (any, error) {
	var in getMetricStatisticsInput
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if err := in.validate(); err != nil {
		return nil, err
	}
	points, err := s.points(metric{in.Namespace, in.MetricName, in.Dimensions}, in.Period, in.StartTime.Time, in.EndTime.Time)
	if err != nil {
		return nil, err
	}
	requested := func(name string, value float64) *float64 {
		if !slices.Contains(in.Statistics, name) {
			return nil
		}
		return &value
	}
	out := &getMetricStatisticsResult{Label: in.MetricName}
	m, _ := dataplane.ParseMetric(dataplane.Namespace(in.Namespace), in.MetricName)
	for _, p := range points {
		out.Datapoints.Members = append(out.Datapoints.Members, datapoint{
			Timestamp: wire.Timestamp(p.At), Unit: m.Unit(),
			SampleCount: requested("SampleCount", p.Count), Sum: requested("Sum", p.Sum), Average: requested("Average", p.Sum/p.Count),
			Minimum: requested("Minimum", p.Min), Maximum: requested("Maximum", p.Max),
		})
	}
	return out, nil
}

func (in *getMetricStatisticsInput) validate() error {
	if err := validateTimes(in.StartTime.Time, in.EndTime.Time); err != nil {
		return err
	}
	if len(in.Statistics) == 0 {
		return errMissing("Statistics")
	}
	for _, name := range in.Statistics {
		if _, err := statistic(name); err != nil {
			return err
		}
	}
	return nil
}

// points returns a metric's statistics for each period, oldest first. As in CloudWatch,
// a metric that does not exist has none.
func (s *Service) points(m metric, period int, from, to time.Time) ([]dataplane.Point, error) {
	if period < 60 || period%60 != 0 {
		return nil, wire.InvalidParameter("The parameter Period must be a multiple of 60.")
	}
	parsed, ok := dataplane.ParseMetric(dataplane.Namespace(m.Namespace), m.MetricName)
	scope, supported := m.scope()
	if !ok || !supported || s.Plane == nil {
		return nil, nil
	}
	length := time.Duration(period) * time.Second
	var points []dataplane.Point
	for _, p := range s.Plane.Data(scope, parsed, from, to) {
		p.At = p.At.Truncate(length)
		if last := len(points) - 1; last >= 0 && points[last].At.Equal(p.At) {
			points[last].Add(p.Statistics)
			continue
		}
		points = append(points, p)
	}
	return points, nil
}

// statistic returns the function that computes a statistic.
func statistic(name string) (func(dataplane.Statistics) float64, error) {
	switch name {
	case "SampleCount":
		return func(s dataplane.Statistics) float64 { return s.Count }, nil
	case "Sum":
		return func(s dataplane.Statistics) float64 { return s.Sum }, nil
	case "Average":
		return func(s dataplane.Statistics) float64 { return s.Sum / s.Count }, nil
	case "Minimum":
		return func(s dataplane.Statistics) float64 { return s.Min }, nil
	case "Maximum":
		return func(s dataplane.Statistics) float64 { return s.Max }, nil
	}
	return nil, wire.InvalidParameter("The statistic %s is none of SampleCount, Sum, Average, Minimum and Maximum; percentiles are not emulated.", name)
}

func validateTimes(from, to time.Time) error {
	switch {
	case from.IsZero():
		return errMissing("StartTime")
	case to.IsZero():
		return errMissing("EndTime")
	case !from.Before(to):
		return wire.InvalidParameter("The parameter StartTime must be less than the parameter EndTime.")
	}
	return nil
}
