package dataplane

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// Scope is what metrics are of. An empty field stands for all load balancers, or all
// zones.
type Scope struct{ LoadBalancer, Zone string }

// Series is a metric that there are data of.
type Series struct {
	Scope
	Metric Metric
}

// Data returns a metric minute by minute, oldest first, from the minute of from until
// that of to, without it, as far back as three hours. Minutes without requests are absent.
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

// metricsIn returns the metrics that add up to those of a scope.
func (p *Plane) metricsIn(scope Scope) (all []*metrics) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, b := range p.balancers {
		if scope.LoadBalancer != "" && scope.LoadBalancer != name {
			continue
		}
		if m := b.metrics.in(scope.Zone); m != nil {
			all = append(all, m)
		}
	}
	return all
}

// Series returns every metric that there are data of: of each load balancer, of each of
// its zones, of each zone, and of all load balancers.
func (p *Plane) Series() []Series {
	present := make(map[Series]bool)
	p.mu.Lock()
	for name, b := range p.balancers {
		for zone, m := range b.metrics.all() {
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

// zoneMetrics are the metrics of one load balancer by zone; "" is the load balancer as a
// whole.
type zoneMetrics struct {
	mu     sync.Mutex
	byZone map[string]*metrics
}

// in returns the metrics of a zone; nil: there are none.
func (z *zoneMetrics) in(zone string) *metrics {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.byZone[zone]
}

// all returns the metrics by zone.
func (z *zoneMetrics) all() map[string]*metrics {
	z.mu.Lock()
	defer z.mu.Unlock()
	return maps.Clone(z.byZone)
}

// record takes values of a zone in.
func (z *zoneMetrics) record(zone string, values ...value) {
	z.mu.Lock()
	m := z.byZone[zone]
	if m == nil {
		m = new(metrics)
		z.byZone[zone] = m
	}
	z.mu.Unlock()
	m.add(values...)
}

// add takes values in, of the load balancer and of the zone in which they arose.
func (z *zoneMetrics) add(zone string, values ...value) {
	z.record("", values...)
	if zone != "" {
		z.record(zone, values...)
	}
}
