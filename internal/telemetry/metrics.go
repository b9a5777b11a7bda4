package telemetry

import (
	"cmp"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lsapi"
	"lsapi/api/status"
)

// Metrics are the service's Prometheus metrics. They are safe for concurrent use.
type Metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.HistogramVec
	calls     *prometheus.HistogramVec
	retries   *prometheus.CounterVec
	refreshes *prometheus.HistogramVec
	changes   *prometheus.CounterVec
	guards    *prometheus.CounterVec
	batches   *prometheus.HistogramVec
	appends   *prometheus.HistogramVec
}

// requestBuckets, in seconds, separate responses from memory (tens of microseconds),
// responses that called AWS (tens of milliseconds) and those that waited.
var requestBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// NewMetrics returns the metrics of a build with a version.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		registry:  prometheus.NewRegistry(),
		requests:  histogram("lsapi_http_request_duration_seconds", "Requests, by route, method and status.", requestBuckets, "route", "method", "status"),
		calls:     histogram("lsapi_aws_call_duration_seconds", "Calls to AWS by operation and outcome, including retries and waits for the budget.", prometheus.DefBuckets, "service", "operation", "outcome"),
		retries:   counter("lsapi_aws_retries_total", "Retries of calls to AWS.", "service", "operation"),
		refreshes: histogram("lsapi_snapshot_refresh_duration_seconds", "Refreshes of the snapshot, by outcome.", prometheus.DefBuckets, "outcome"),
		changes:   counter("lsapi_changes_total", "Changes of this instance with an outcome on record, by action and outcome.", "action", "outcome"),
		guards:    counter("lsapi_guard_verdicts_total", "Requests that a guard refused, and changes that overrode one, by kind of rule.", "rule", "verdict"),
		appends:   histogram("lsapi_record_append_duration_seconds", "Writes to the record of changes, by outcome.", []float64{.0005, .001, .0025, .005, .01, .015, .025, .05, .1, .25, .5, 1, 5}, "outcome"),
		batches:   histogram("lsapi_lane_batch_size", "Members in a register or deregister call.", []float64{1, 2, 5, 10, 20, 50, 100, 200}, "action"),
	}
	m.registry.MustRegister(m.requests, m.calls, m.retries, m.refreshes, m.changes, m.guards, m.batches, m.appends,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.Gauge("lsapi_build_info", "Always 1; the labels describe the build.", func() float64 { return 1 },
		"version", version, "goversion", runtime.Version())
	return m
}

// callCodes are the codes that calls to AWS usually end with.
func callCodes() []lsapi.Code {
	return []lsapi.Code{"", lsapi.CodeForbidden, lsapi.CodeThrottled, lsapi.CodeTimeout, lsapi.CodeUpstream}
}

// ExpectCalls creates the series of an operation of AWS at 0. Prometheus shows no increase
// for a series that begins at 1.
func (m *Metrics) ExpectCalls(service, operation string) {
	m.retries.WithLabelValues(service, operation)
	for _, code := range callCodes() {
		m.calls.WithLabelValues(service, operation, outcome(code))
	}
}

// Expect creates the series of refreshes, the record and all changes at 0.
func (m *Metrics) Expect() {
	for _, code := range callCodes() {
		m.refreshes.WithLabelValues(outcome(code))
	}
	for _, code := range []lsapi.Code{"", lsapi.CodeInternal, lsapi.CodeTimeout, lsapi.CodeUnavailable} {
		m.appends.WithLabelValues(outcome(code))
	}
	for _, rule := range []string{"minInService", "minInServicePerZone", "maxOut", "keepLast", "freeze", "healthUnknown", "tagsUnknown"} {
		m.guards.WithLabelValues(rule, guardVerdict(false))
		m.guards.WithLabelValues(rule, guardVerdict(true))
	}
	for _, action := range []lsapi.Action{lsapi.Attach, lsapi.Detach} {
		m.batches.WithLabelValues(string(action))
		for _, outcome := range []lsapi.Outcome{
			lsapi.OutcomeApplied, lsapi.OutcomeConflict, lsapi.OutcomeRefused, lsapi.OutcomeFailed, lsapi.OutcomeWithdrawn, lsapi.OutcomeUnknown,
		} {
			m.changes.WithLabelValues(string(action), string(outcome))
		}
	}
}

// ExpectRequests creates the series of a route's failures at 0.
func (m *Metrics) ExpectRequests(route, method string) {
	for _, code := range []lsapi.Code{lsapi.CodeInternal, lsapi.CodeUpstream, lsapi.CodeUnavailable, lsapi.CodeTimeout} {
		m.requests.WithLabelValues(route, method, statusText(status.Of(code)))
	}
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Request counts a request. The route is the pattern that matched, not the path, which
// would make the number of series unbounded.
func (m *Metrics) Request(route, method string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, method, statusText(status)).Observe(took.Seconds())
}

// Call counts a call to an operation of an AWS service. The code is empty for success, here
// and below.
func (m *Metrics) Call(service, operation string, code lsapi.Code, attempts int, took time.Duration) {
	m.calls.WithLabelValues(service, operation, outcome(code)).Observe(took.Seconds())
	if attempts > 1 {
		m.retries.WithLabelValues(service, operation).Add(float64(attempts - 1))
	}
}

// Refresh counts a refresh of the snapshot.
func (m *Metrics) Refresh(code lsapi.Code, took time.Duration) {
	m.refreshes.WithLabelValues(outcome(code)).Observe(took.Seconds())
}

// Change counts an outcome on record.
func (m *Metrics) Change(action, outcome string) {
	m.changes.WithLabelValues(action, outcome).Inc()
}

// Guard counts a request that a rule of a kind refused, or a change that overrode it.
func (m *Metrics) Guard(kind string, overridden bool) {
	m.guards.WithLabelValues(kind, guardVerdict(overridden)).Inc()
}

func guardVerdict(overridden bool) string {
	if overridden {
		return "overridden"
	}
	return "refused"
}

// Append counts a write into the record of changes.
func (m *Metrics) Append(code lsapi.Code, took time.Duration) {
	m.appends.WithLabelValues(outcome(code)).Observe(took.Seconds())
}

// Batch counts a register or deregister call of size members.
func (m *Metrics) Batch(action string, size int) {
	m.batches.WithLabelValues(action).Observe(float64(size))
}

// Gauge adds a gauge whose value is read at each scrape. Labels are pairs of name and
// value.
func (m *Metrics) Gauge(name, help string, value func() float64, labels ...string) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: name, Help: help, ConstLabels: pairs(labels),
	}, value))
}

// OptionalGauge is a Gauge whose series is absent while ok is false.
func (m *Metrics) OptionalGauge(name, help string, value func() (v float64, ok bool), labels ...string) {
	m.registry.MustRegister(&optionalGauge{prometheus.NewDesc(name, help, nil, pairs(labels)), value})
}

// optionalGauge implements prometheus.Collector.
type optionalGauge struct {
	desc  *prometheus.Desc
	value func() (float64, bool)
}

// Describe implements prometheus.Collector.
func (g *optionalGauge) Describe(to chan<- *prometheus.Desc) { to <- g.desc }

// Collect implements prometheus.Collector.
func (g *optionalGauge) Collect(to chan<- prometheus.Metric) {
	if value, ok := g.value(); ok {
		to <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, value)
	}
}

// Labelled adds a metric with a series for each value of a label that values returns. It is
// a counter if its name ends in _total, else a gauge.
func (m *Metrics) Labelled(name, help, label string, values func() map[string]float64) {
	kind := prometheus.GaugeValue
	if strings.HasSuffix(name, "_total") {
		kind = prometheus.CounterValue
	}
	m.registry.MustRegister(&labelled{prometheus.NewDesc(name, help, []string{label}, nil), kind, values})
}

// labelled implements prometheus.Collector.
type labelled struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	values func() map[string]float64
}

// Describe implements prometheus.Collector.
func (l *labelled) Describe(to chan<- *prometheus.Desc) { to <- l.desc }

// Collect implements prometheus.Collector.
func (l *labelled) Collect(to chan<- prometheus.Metric) {
	for label, value := range l.values() {
		to <- prometheus.MustNewConstMetric(l.desc, l.kind, value, label)
	}
}

// Counter is a Gauge whose value only grows.
func (m *Metrics) Counter(name, help string, value func() float64, labels ...string) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: name, Help: help, ConstLabels: pairs(labels),
	}, value))
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

func pairs(labels []string) prometheus.Labels {
	result := make(prometheus.Labels, len(labels)/2)
	for i := 0; i+1 < len(labels); i += 2 {
		result[labels[i]] = labels[i+1]
	}
	return result
}

// outcome returns the label value of a code.
func outcome(code lsapi.Code) string {
	return cmp.Or(string(code), "ok")
}

// statusText does not allocate for the statuses of most requests.
func statusText(status int) string {
	switch status {
	case http.StatusOK:
		return "200"
	case http.StatusNotModified:
		return "304"
	}
	return strconv.Itoa(status)
}
