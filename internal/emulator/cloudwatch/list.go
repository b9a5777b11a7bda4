package cloudwatch

import (
	"slices"
	"strconv"

	"lsapi/internal/emulator/wire"
)

// metricsPage is AWS's page size of ListMetrics.
const metricsPage = 500

// listMetrics returns a page of the metrics with data.
func (s *Service) listMetrics(c wire.Call) (any, error) {
	var in listMetricsInput
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	first := 0
	if in.NextToken != "" {
		var err error
		if first, err = strconv.Atoi(in.NextToken); err != nil || first < 0 {
			return nil, wire.BadRequest("InvalidNextToken", "The token %s is not one of ListMetrics.", in.NextToken)
		}
	}
	for _, d := range in.Dimensions {
		if d.Name == "" {
			return nil, errMissing("Dimensions.member.N.Name")
		}
	}
	all := slices.DeleteFunc(s.metricsWithData(), func(m metric) bool { return !in.includes(m) })
	out := &listMetricsResult{}
	out.Metrics.Members = all[min(first, len(all)):min(first+metricsPage, len(all))]
	if next := first + metricsPage; next < len(all) {
		out.NextToken = strconv.Itoa(next)
	}
	return out, nil
}

// metricsWithData returns the metrics with data in the order of listings.
func (s *Service) metricsWithData() []metric {
	if s.Plane == nil {
		return nil
	}
	var all []metric
	for _, series := range s.Plane.Series() {
		m := metric{Namespace: string(series.Namespace), MetricName: series.Metric.Name(series.Namespace), Dimensions: dimensions{}}
		names := dimensionsOf[series.Namespace]
		if series.LoadBalancer != "" {
			m.Dimensions = append(m.Dimensions, dimension{names.loadBalancer, series.LoadBalancer})
		}
		if series.TargetGroup != "" {
			m.Dimensions = append(m.Dimensions, dimension{names.targetGroup, series.TargetGroup})
		}
		if series.Zone != "" {
			m.Dimensions = append(m.Dimensions, dimension{zoneDimension, series.Zone})
		}
		all = append(all, m)
	}
	return all
}

// includes reports whether the request selects a metric. A dimension without a value
// matches any value.
func (in *listMetricsInput) includes(m metric) bool {
	if in.Namespace != "" && in.Namespace != m.Namespace || in.MetricName != "" && in.MetricName != m.MetricName {
		return false
	}
	for _, wanted := range in.Dimensions {
		if !slices.ContainsFunc(m.Dimensions, func(d dimension) bool {
			return d.Name == wanted.Name && (wanted.Value == "" || d.Value == wanted.Value)
		}) {
			return false
		}
	}
	return true
}
