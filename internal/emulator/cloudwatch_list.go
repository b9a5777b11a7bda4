package emulator

import (
	"slices"
	"strconv"

	"lsapi/internal/emulator/dataplane"
)

// metricsPage is how many metrics ListMetrics returns at once: AWS's number.
const metricsPage = 500

// listMetrics returns the metrics that there are data of, in pages.
func (w *world) listMetrics(c call) (any, error) {
	var in listMetricsInput
	if err := c.read(&in); err != nil {
		return nil, err
	}
	first := 0
	if in.NextToken != "" {
		var err error
		if first, err = strconv.Atoi(in.NextToken); err != nil || first < 0 {
			return nil, refusal("InvalidNextToken", "The token %s is not one of ListMetrics.", in.NextToken)
		}
	}
	for _, d := range in.Dimensions {
		if d.Name == "" {
			return nil, errMissingMetricParameter("Dimensions.member.N.Name")
		}
	}
	all := slices.DeleteFunc(w.metricsWithData(), func(m metric) bool { return !in.includes(m) })
	out := &listMetricsResult{}
	out.Metrics.Members = all[min(first, len(all)):min(first+metricsPage, len(all))]
	if next := first + metricsPage; next < len(all) {
		out.NextToken = strconv.Itoa(next)
	}
	return out, nil
}

// metricsWithData returns the metrics of each load balancer, of each of its zones, of each
// zone, and of all load balancers.
func (w *world) metricsWithData() []metric {
	if w.plane == nil {
		return nil
	}
	var all []metric
	for _, s := range w.plane.Series() {
		m := metric{Namespace: elbMetrics, MetricName: s.Metric.String(), Dimensions: dimensions{}}
		if s.LoadBalancer != "" {
			m.Dimensions = append(m.Dimensions, dimension{loadBalancerDimension, s.LoadBalancer})
		}
		if s.Zone != "" {
			m.Dimensions = append(m.Dimensions, dimension{zoneDimension, s.Zone})
		}
		all = append(all, m)
	}
	return all
}

// includes reports whether a metric is one of those asked for. A dimension without a value
// stands for any.
func (in *listMetricsInput) includes(m metric) bool {
	if in.Namespace != "" && in.Namespace != m.Namespace || in.MetricName != "" && in.MetricName != m.MetricName {
		return false
	}
	for _, asked := range in.Dimensions {
		if !slices.ContainsFunc(m.Dimensions, func(d dimension) bool { return d.Name == asked.Name && (asked.Value == "" || d.Value == asked.Value) }) {
			return false
		}
	}
	return true
}

// scope returns the load balancer and the zone that a metric is of; empty is all of them.
// False: AWS/ELB has no metric of such dimensions.
func (m metric) scope() (scope dataplane.Scope, ok bool) {
	for _, d := range m.Dimensions {
		switch {
		case d.Name == loadBalancerDimension && scope.LoadBalancer == "" && d.Value != "":
			scope.LoadBalancer = d.Value
		case d.Name == zoneDimension && scope.Zone == "" && d.Value != "":
			scope.Zone = d.Value
		default:
			return scope, false
		}
	}
	return scope, m.Namespace == elbMetrics
}

// fromQuery reads the parameters from the query protocol.
func (in *listMetricsInput) fromQuery(q query) error {
	m := q.metric("")
	in.Namespace, in.MetricName, in.Dimensions = m.Namespace, m.MetricName, m.Dimensions
	in.NextToken = q.text("NextToken")
	return nil
}
