package dataplane

import (
	"slices"
	"sync"
	"time"
)

// Metric is one of those that CloudWatch has of a Classic load balancer.
type Metric int

// The metrics, in CloudWatch's words. Latency is in seconds, all others are counts.
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
	metricsCount
)

var metricNames = [metricsCount]string{
	RequestCount: "RequestCount", Latency: "Latency",
	Backend2XX: "HTTPCode_Backend_2XX", Backend3XX: "HTTPCode_Backend_3XX",
	Backend4XX: "HTTPCode_Backend_4XX", Backend5XX: "HTTPCode_Backend_5XX",
	ELB4XX: "HTTPCode_ELB_4XX", ELB5XX: "HTTPCode_ELB_5XX",
	BackendConnectionErrors: "BackendConnectionErrors",
	SurgeQueueLength:        "SurgeQueueLength", SpilloverCount: "SpilloverCount",
	HealthyHostCount: "HealthyHostCount", UnHealthyHostCount: "UnHealthyHostCount",
}

func (m Metric) String() string { return metricNames[m] }

// Unit is CloudWatch's name of the metric's unit.
func (m Metric) Unit() string {
	if m == Latency {
		return "Seconds"
	}
	return "Count"
}

// Metrics returns all of them.
func Metrics() []Metric {
	all := make([]Metric, metricsCount)
	for i := range all {
		all[i] = Metric(i)
	}
	return all
}

// ParseMetric returns the metric of a name; false when there is none.
func ParseMetric(name string) (Metric, bool) {
	at := slices.Index(metricNames[:], name)
	return Metric(at), at >= 0
}

// Point is what a metric was in a minute.
type Point struct {
	// At is when the minute began.
	At time.Time
	Statistics
}

// Statistics are those of the values of some time.
type Statistics struct{ Count, Sum, Min, Max float64 }

// Add takes other values in.
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

// metrics are those of one load balancer, or of one of its zones.
type metrics struct {
	mu      sync.Mutex
	minutes []minute // oldest first; those without requests are absent
}

type minute struct {
	at     int64 // Unix time in minutes
	values [metricsCount]Statistics
}

// value is a value of a metric.
type value struct {
	of Metric
	is float64
}

// add takes values in.
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
		m.minutes[last].values[v.of].Add(Statistics{1, v.is, v.is, v.is})
	}
}

// between returns the minutes that begin from on, before to.
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

// present returns the metrics that there are values of.
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
