package emulator

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"lsapi/internal/emulator/dataplane"
)

const (
	cloudWatchVersion = "2010-08-01"
	elbMetrics        = "AWS/ELB"

	loadBalancerDimension = "LoadBalancerName"
	zoneDimension         = "AvailabilityZone"
	// maxMetricQueries is AWS's limit of queries in one GetMetricData.
	maxMetricQueries = 500
	scanAscending    = "TimestampAscending"
)

func cloudWatchOperations() map[string]operation {
	return map[string]operation{
		"GetMetricData":       {(*world).getMetricData, always(unlimited)},
		"GetMetricStatistics": {(*world).getMetricStatistics, always(unlimited)},
		"ListMetrics":         {(*world).listMetrics, always(unlimited)},
	}
}

// getMetricData returns metrics of load balancers that carry traffic. Metric math and
// percentiles are not emulated.
func (w *world) getMetricData(c call) (any, error) {
	var in getMetricDataInput
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if err := in.valid(); err != nil {
		return nil, err
	}
	out := &getMetricDataResult{}
	for _, q := range in.MetricDataQueries {
		result, err := w.metricData(q, &in)
		if err != nil {
			return nil, err
		}
		if q.ReturnData == nil || *q.ReturnData {
			out.MetricDataResults.Members = append(out.MetricDataResults.Members, result)
		}
	}
	return out, nil
}

func (in *getMetricDataInput) valid() error {
	switch {
	case len(in.MetricDataQueries) == 0:
		return errMissingMetricParameter("MetricDataQueries")
	case len(in.MetricDataQueries) > maxMetricQueries:
		return errInvalidParameter("The collection MetricDataQueries must not have a size greater than %d.", maxMetricQueries)
	case in.ScanBy != "" && in.ScanBy != scanAscending && in.ScanBy != "TimestampDescending":
		return errInvalidParameter("The value %s for parameter ScanBy is not supported.", in.ScanBy)
	}
	return validTimes(in.StartTime.Time, in.EndTime.Time)
}

// metricData answers one query of GetMetricData.
func (w *world) metricData(q metricDataQuery, in *getMetricDataInput) (metricDataResult, error) {
	if q.MetricStat == nil {
		return metricDataResult{}, errInvalidParameter("The metric query %s has no MetricStat; expressions are not emulated.", q.ID)
	}
	points, err := w.points(q.MetricStat.Metric, q.MetricStat.Period, in.StartTime.Time, in.EndTime.Time)
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
		result.Timestamps.Members = append(result.Timestamps.Members, timestamp(p.At))
		result.Values.Members = append(result.Values.Members, value(p.Statistics))
	}
	return result, nil
}

// getMetricStatistics returns one metric of a load balancer, oldest first.
func (w *world) getMetricStatistics(c call) (any, error) {
	var in getMetricStatisticsInput
	if err := c.read(&in); err != nil {
		return nil, err
	}
	if err := validTimes(in.StartTime.Time, in.EndTime.Time); err != nil {
		return nil, err
	}
	if len(in.Statistics) == 0 {
		return nil, errMissingMetricParameter("Statistics")
	}
	for _, name := range in.Statistics {
		if _, err := statistic(name); err != nil {
			return nil, err
		}
	}
	points, err := w.points(metric{in.Namespace, in.MetricName, in.Dimensions}, in.Period, in.StartTime.Time, in.EndTime.Time)
	if err != nil {
		return nil, err
	}
	asked := func(name string, value float64) *float64 {
		if !slices.Contains(in.Statistics, name) {
			return nil
		}
		return &value
	}
	out := &getMetricStatisticsResult{Label: in.MetricName}
	known, _ := dataplane.ParseMetric(in.MetricName)
	for _, p := range points {
		out.Datapoints.Members = append(out.Datapoints.Members, datapoint{
			Timestamp: timestamp(p.At), Unit: known.Unit(),
			SampleCount: asked("SampleCount", p.Count), Sum: asked("Sum", p.Sum), Average: asked("Average", p.Sum/p.Count),
			Minimum: asked("Minimum", p.Min), Maximum: asked("Maximum", p.Max),
		})
	}
	return out, nil
}

// points returns what a metric was, by periods, oldest first; nothing of what is no
// metric of a load balancer, as CloudWatch does.
func (w *world) points(m metric, period int, from, to time.Time) ([]dataplane.Point, error) {
	if period < 60 || period%60 != 0 {
		return nil, errInvalidParameter("The parameter Period must be a multiple of 60.")
	}
	known, ok := dataplane.ParseMetric(m.MetricName)
	scope, emulated := m.scope()
	if !ok || !emulated || w.plane == nil {
		return nil, nil
	}
	length := time.Duration(period) * time.Second
	var points []dataplane.Point
	for _, p := range w.plane.Data(scope, known, from, to) {
		p.At = p.At.Truncate(length)
		if last := len(points) - 1; last >= 0 && points[last].At.Equal(p.At) {
			points[last].Add(p.Statistics)
			continue
		}
		points = append(points, p)
	}
	return points, nil
}

// statistic returns how a statistic is computed.
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
	return nil, errInvalidParameter("The statistic %s is none of SampleCount, Sum, Average, Minimum and Maximum; percentiles are not emulated.", name)
}

func validTimes(from, to time.Time) error {
	switch {
	case from.IsZero():
		return errMissingMetricParameter("StartTime")
	case to.IsZero():
		return errMissingMetricParameter("EndTime")
	case !from.Before(to):
		return errInvalidParameter("The parameter StartTime must be less than the parameter EndTime.")
	}
	return nil
}

func errMissingMetricParameter(name string) *apiError {
	return refusal("MissingParameter", "The parameter %s is required.", name)
}

// fromQuery reads the parameters from the query protocol.
func (in *getMetricDataInput) fromQuery(q query) (err error) {
	if in.StartTime.Time, in.EndTime.Time, err = q.times(); err != nil {
		return err
	}
	in.ScanBy = q.text("ScanBy")
	for _, element := range q.elements("MetricDataQueries.member") {
		asked := metricDataQuery{ID: element.text("Id"), Label: element.text("Label")}
		returned, err := element.boolean("ReturnData", true)
		if err != nil {
			return err
		}
		asked.ReturnData = &returned
		if element.has("MetricStat.Stat") {
			period, err := element.number("MetricStat.Period", 0)
			if err != nil {
				return err
			}
			asked.MetricStat = &metricStat{Period: period, Stat: element.text("MetricStat.Stat"), Metric: element.metric("MetricStat.Metric.")}
		}
		in.MetricDataQueries = append(in.MetricDataQueries, asked)
	}
	return nil
}

// fromQuery reads the parameters from the query protocol.
func (in *getMetricStatisticsInput) fromQuery(q query) (err error) {
	if in.StartTime.Time, in.EndTime.Time, err = q.times(); err != nil {
		return err
	}
	m := q.metric("")
	in.Namespace, in.MetricName, in.Dimensions = m.Namespace, m.MetricName, m.Dimensions
	in.Statistics = q.list("Statistics.member")
	in.Period, err = q.number("Period", 0)
	return err
}

// metric reads a metric whose fields are under a prefix.
func (q query) metric(prefix string) metric {
	m := metric{Namespace: q.text(prefix + "Namespace"), MetricName: q.text(prefix + "MetricName")}
	for _, d := range q.elements(prefix + "Dimensions.member") {
		m.Dimensions = append(m.Dimensions, dimension{d.text("Name"), d.text("Value")})
	}
	return m
}

// times reads StartTime and EndTime, which are zero when they are not given.
func (q query) times() (from, to time.Time, err error) {
	if from, err = q.time("StartTime"); err != nil {
		return from, to, err
	}
	to, err = q.time("EndTime")
	return from, to, err
}

func (q query) time(name string) (time.Time, error) {
	text := q.text(name)
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	if at, err := time.Parse("2006-01-02T15:04:05", text); err == nil { // in UTC, as some clients write it
		return at, nil
	}
	if at, err := strconv.ParseFloat(text, 64); err == nil {
		return time.UnixMilli(int64(at * 1000)), nil
	}
	return time.Time{}, errInvalidParameter("The parameter %s is no timestamp: %s", name, text)
}
