package dataplane

import (
	"cmp"
	"slices"
	"time"
)

// Scope selects metrics. An empty field selects all load balancers, or all zones.
type Scope struct{ LoadBalancer, Zone string }

// Series is a metric with data.
type Series struct {
	Scope
	Metric Metric
}

// Data returns the minutes of a metric from the one of from until before to, oldest first.
// Minutes without values are absent. Data are kept for three hours.
func (p *Plane) Data(scope Scope, metric Metric, from, to time.Time) []Point {
	var points []Point
	for _, m := range p.metricsIn(scope) {
		points = append(points, m.between(metric, from, to)...)
	}
	slices.SortStableFunc(points, func(a, b Point) int { return a.At.Compare(b.At) })
	merged := points[:0]
	for _, point := range points {
		if last := len(merged) - 1; last >= 0 && merged[last].At.Equal(point.At) {
			merged[last].Add(point.Statistics)
			continue
		}
		merged = append(merged, point)
	}
	return merged
}

// metricsIn returns the metrics whose sum is that of a scope.
func (p *Plane) metricsIn(scope Scope) (all []*metrics) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, b := range p.balancers {
		if scope.LoadBalancer != "" && scope.LoadBalancer != name {
			continue
		}
		if m := b.pool.metrics.in(scope.Zone); m != nil {
			all = append(all, m)
		}
	}
	return all
}

// Series returns all metrics with data: of each load balancer, of each of its zones, of
// each zone, and of all load balancers together.
func (p *Plane) Series() []Series {
	present := make(map[Series]bool)
	p.mu.Lock()
	for name, b := range p.balancers {
		for zone, m := range b.pool.metrics.all() {
			for _, metric := range m.present() {
				present[Series{Scope{name, zone}, metric}] = true
				present[Series{Scope{"", zone}, metric}] = true
			}
		}
	}
	p.mu.Unlock()
	series := make([]Series, 0, len(present))
	for s := range present {
		series = append(series, s)
	}
	slices.SortFunc(series, func(a, b Series) int {
		return cmp.Or(cmp.Compare(a.LoadBalancer, b.LoadBalancer), cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.Metric, b.Metric))
	})
	return series
}
