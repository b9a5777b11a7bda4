package dataplane

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Metric is a CloudWatch metric of load balancers. Its name depends on their type.
type Metric int

// Latency is in seconds, all others are counts.
const (
	RequestCount Metric = iota
	Latency
	Backend2XX
	Backend3XX
	Backend4XX
	Backend5XX
	ELB4XX
	ELB5XX
	BackendConnectionErrors
	SurgeQueueLength
	SpilloverCount
	HealthyHostCount
	UnHealthyHostCount
	ELB502
	ELB503
	ELB504
	FixedResponseCount
	RedirectCount
	metricsCount
)

// Namespace is the CloudWatch namespace of a type of load balancers.
type Namespace string

// The namespaces with metrics.
const (
	ClassicNamespace     Namespace = "AWS/ELB"
	ApplicationNamespace Namespace = "AWS/ApplicationELB"
)

// metricNames are the names of the metrics that a namespace has.
var metricNames = map[Namespace]*[metricsCount]string{ClassicNamespace: &classicNames, ApplicationNamespace: &applicationNames}

var classicNames = [metricsCount]string{
	RequestCount: "RequestCount", Latency: "Latency",
	Backend2XX: "HTTPCode_Backend_2XX", Backend3XX: "HTTPCode_Backend_3XX",
	Backend4XX: "HTTPCode_Backend_4XX", Backend5XX: "HTTPCode_Backend_5XX",
	ELB4XX: "HTTPCode_ELB_4XX", ELB5XX: "HTTPCode_ELB_5XX",
	BackendConnectionErrors: "BackendConnectionErrors",
	SurgeQueueLength:        "SurgeQueueLength", SpilloverCount: "SpilloverCount",
	HealthyHostCount: "HealthyHostCount", UnHealthyHostCount: "UnHealthyHostCount",
}

var applicationNames = [metricsCount]string{
	RequestCount: "RequestCount", Latency: "TargetResponseTime",
	Backend2XX: "HTTPCode_Target_2XX_Count", Backend3XX: "HTTPCode_Target_3XX_Count",
	Backend4XX: "HTTPCode_Target_4XX_Count", Backend5XX: "HTTPCode_Target_5XX_Count",
	ELB4XX: "HTTPCode_ELB_4XX_Count", ELB5XX: "HTTPCode_ELB_5XX_Count",
	ELB502: "HTTPCode_ELB_502_Count", ELB503: "HTTPCode_ELB_503_Count", ELB504: "HTTPCode_ELB_504_Count",
	BackendConnectionErrors: "TargetConnectionErrorCount",
	FixedResponseCount:      "HTTP_Fixed_Response_Count", RedirectCount: "HTTP_Redirect_Count",
	HealthyHostCount: "HealthyHostCount", UnHealthyHostCount: "UnHealthyHostCount",
}

// Name returns the name of a metric in a namespace.
func (m Metric) Name(n Namespace) string { return metricNames[n][m] }

// Unit returns CloudWatch's name of the unit.
func (m Metric) Unit() string {
	if m == Latency {
		return "Seconds"
	}
	return "Count"
}

// ParseMetric returns the metric with a name in a namespace.
func ParseMetric(n Namespace, name string) (Metric, bool) {
	names := metricNames[n]
	if names == nil || name == "" {
		return 0, false
	}
	at := slices.Index(names[:], name)
	return Metric(at), at >= 0
}

// Point is the statistics of a minute.
type Point struct {
	// At is the start of the minute.
	At time.Time
	Statistics
}

// Statistics summarize the values of a period.
type Statistics struct{ Count, Sum, Min, Max float64 }

// Add merges other statistics.
func (s *Statistics) Add(other Statistics) {
	if other.Count == 0 {
		return
	}
	if s.Count == 0 {
		*s = other
		return
	}
	s.Count += other.Count
	s.Sum += other.Sum
	s.Min, s.Max = min(s.Min, other.Min), max(s.Max, other.Max)
}

// metrics hold the values of a load balancer or one of its zones.
type metrics struct {
	mu      sync.Mutex
	minutes []minute // oldest first; without minutes that have no values
}

type minute struct {
	at     int64 // Unix time in minutes
	values [metricsCount]Statistics
}

// value is a value of a metric.
type value struct {
	metric Metric
	number float64
}

// add adds values in the current minute.
func (m *metrics) add(values ...value) {
	now := time.Now().Unix() / 60
	m.mu.Lock()
	defer m.mu.Unlock()
	last := len(m.minutes) - 1
	if last < 0 || m.minutes[last].at < now {
		if len(m.minutes) >= keptMinutes {
			m.minutes = slices.Delete(m.minutes, 0, 1)
		}
		m.minutes = append(m.minutes, minute{at: now})
		last = len(m.minutes) - 1
	}
	for _, v := range values {
		m.minutes[last].values[v.metric].Add(Statistics{1, v.number, v.number, v.number})
	}
}

// between returns the minutes from the one of from until before to.
func (m *metrics) between(metric Metric, from, to time.Time) []Point {
	m.mu.Lock()
	defer m.mu.Unlock()
	var points []Point
	for i := range m.minutes {
		at := time.Unix(m.minutes[i].at*60, 0).UTC()
		if at.Before(from.Truncate(time.Minute)) || !at.Before(to) || m.minutes[i].values[metric].Count == 0 {
			continue
		}
		points = append(points, Point{at, m.minutes[i].values[metric]})
	}
	return points
}

// present returns the metrics with values.
func (m *metrics) present() (all []Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for metric := range metricsCount {
		if slices.ContainsFunc(m.minutes, func(at minute) bool { return at.values[metric].Count > 0 }) {
			all = append(all, metric)
		}
	}
	return all
}

// zoneMetrics hold the metrics of a load balancer by zone; "" is the whole load balancer.
type zoneMetrics struct {
	mu     sync.Mutex
	byZone map[string]*metrics
}

// in returns the metrics of a zone, nil if there are none.
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

// addTo adds values of one zone.
func (z *zoneMetrics) addTo(zone string, values ...value) {
	z.mu.Lock()
	m := z.byZone[zone]
	if m == nil {
		m = new(metrics)
		z.byZone[zone] = m
	}
	z.mu.Unlock()
	m.add(values...)
}

// add adds values of a zone and of the whole load balancer.
func (z *zoneMetrics) add(zone string, values ...value) {
	z.addTo("", values...)
	if zone != "" {
		z.addTo(zone, values...)
	}
}
