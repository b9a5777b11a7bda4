package dataplane

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Scope selects metrics. An empty Zone selects all zones. Classic load balancers are
// selected by name, all by the empty one. Application Load Balancers and target groups are
// selected by the last part of their ARNs: app/NAME/ID and targetgroup/NAME/ID. Without a
// target group, they are the metrics of the load balancer.
type Scope struct {
	Namespace                       Namespace
	LoadBalancer, TargetGroup, Zone string
}

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
	for owner, zones := range p.measured() {
		if owner.Namespace != scope.Namespace || owner.TargetGroup != scope.TargetGroup {
			continue
		}
		anyBalancer := scope.LoadBalancer == "" && scope.Namespace == ClassicNamespace
		if owner.LoadBalancer != scope.LoadBalancer && !anyBalancer {
			continue
		}
		if m := zones.in(scope.Zone); m != nil {
			all = append(all, m)
		}
	}
	return all
}

// measured returns the metrics of each load balancer and target group.
func (p *Plane) measured() map[Scope]*zoneMetrics {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make(map[Scope]*zoneMetrics)
	for name, b := range p.balancers {
		all[Scope{Namespace: ClassicNamespace, LoadBalancer: name}] = &b.pool.metrics
	}
	for arn, r := range p.routers {
		if r.network {
			continue
		}
		scope := Scope{Namespace: ApplicationNamespace, LoadBalancer: suffixOf(arn, "loadbalancer/")}
		all[scope] = &r.metrics
		for _, g := range r.groups() {
			scope.TargetGroup = "targetgroup/" + suffixOf(g.arn, "targetgroup/")
			all[scope] = &g.metrics
		}
	}
	return all
}

// suffixOf returns what follows a mark in an ARN.
func suffixOf(arn, mark string) string {
	_, suffix, _ := strings.Cut(arn, mark)
	return suffix
}

// Series returns all metrics with data: of each load balancer, of each of its target groups,
// and of each zone of both. Classic ones have them also of each zone and of all load
// balancers together.
func (p *Plane) Series() []Series {
	present := make(map[Series]bool)
	for scope, zones := range p.measured() {
		for zone, m := range zones.all() {
			scope.Zone = zone
			for _, metric := range m.present() {
				present[Series{scope, metric}] = true
				if scope.Namespace == ClassicNamespace {
					present[Series{Scope{Namespace: ClassicNamespace, Zone: zone}, metric}] = true
				}
			}
		}
	}
	series := make([]Series, 0, len(present))
	for s := range present {
		series = append(series, s)
	}
	slices.SortFunc(series, func(a, b Series) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.LoadBalancer, b.LoadBalancer), cmp.Compare(a.TargetGroup, b.TargetGroup),
			cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.Metric, b.Metric))
	})
	return series
}
