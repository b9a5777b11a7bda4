package stress

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Report is the result of a load. As JSON, latencies are milliseconds.
type Report struct {
	URL         string    `json:"url"`
	Method      string    `json:"method"`
	Command     string    `json:"command,omitempty"`
	Version     string    `json:"version,omitempty"`
	Host        Host      `json:"host"`
	StartedAt   time.Time `json:"startedAt"`
	Interrupted bool      `json:"interrupted,omitempty"`
	// Rate is the requests due per second; 0: a closed loop.
	Rate  int    `json:"rate,omitempty"`
	Steps []Step `json:"steps"`
	// Knee is the fewest connections that reach 90 % of the highest throughput; with more
	// connections mostly the latency grows. 0: fewer than three steps.
	Knee int `json:"kneeConnections,omitempty"`
	// Conditions are the results of Options.FailIf for each step.
	Conditions []Verdict `json:"conditions,omitempty"`
	// TargetGroup is set by the caller of Run; nil: not available.
	TargetGroup *TargetGroup `json:"targetGroup,omitempty"`
}

// Host is the machine that generated the load.
type Host struct {
	Name string `json:"name"`
	OS   string `json:"os"`
	Arch string `json:"arch"`
	CPUs int    `json:"cpus"`
	Go   string `json:"go"`
}

// Step is the result of one number of connections.
type Step struct {
	Connections int `json:"connections"`
	// Took is the time until the end of the load or the last answer, if that is later.
	Took     float64 `json:"tookSeconds"`
	Requests int     `json:"requests"`
	// Failed are the requests without a complete answer or with a status from 400.
	Failed int `json:"failed"`
	// Unsent are the failed requests that were due and found no free connection before
	// the end.
	Unsent int   `json:"unsent,omitempty"`
	Bytes  int64 `json:"bytes"` // of the answers' bodies
	// Opened is the number of opened connections, more than Connections if the server
	// closes them. Resent is the number of requests sent again because the server closed
	// their connection without an answer.
	Opened int `json:"connectionsOpened"`
	Resent int `json:"resent,omitempty"`
	// Throughput is the successful requests per second.
	Throughput float64 `json:"throughput"`
	// Latency is from sending a request to its complete answer or failure. Corrected
	// counts from the due time at a constant rate. In a closed loop it adds the requests
	// that a slow answer delayed.
	Latency   Latency        `json:"latency"`
	Corrected Latency        `json:"corrected"`
	Statuses  map[string]int `json:"statuses"`
	Errors    map[string]int `json:"errors,omitempty"`
	Seconds   []Second       `json:"seconds"`
}

// Second is the result of a second, or of the rest of one.
type Second struct {
	At       float64 `json:"at"` // its end, in seconds from the step's start
	Requests int     `json:"requests"`
	Failed   int     `json:"failed"`
	// Latency is corrected if there is a rate; nil: no answers.
	Latency *Latency `json:"latency,omitempty"`
	// Waiting is the longest surge queue, Spillover the requests that the load balancer
	// has rejected since the step's start; nil: not available.
	Waiting   *int   `json:"waiting,omitempty"`
	Spillover *int64 `json:"spillover,omitempty"`
}

// Latency is the distribution of latencies, in milliseconds.
type Latency struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
	Mean float64 `json:"mean"`
}

func latencyOf(h *hdrhistogram.Histogram) Latency {
	const micros = 1000
	at := func(percentile float64) float64 { return float64(h.ValueAtPercentile(percentile)) / micros }
	return Latency{at(50), at(90), at(99), at(99.9), float64(h.Max()) / micros, h.Mean() / micros}
}

// knee returns the fewest connections that reach kneeShare of the highest throughput, 0
// for fewer than three steps.
func knee(steps []Step) int {
	if len(steps) < 3 {
		return 0
	}
	highest := 0.0
	for _, s := range steps {
		highest = max(highest, s.Throughput)
	}
	fewest := 0
	for _, s := range steps {
		if s.Throughput > 0 && s.Throughput >= kneeShare*highest && (fewest == 0 || s.Connections < fewest) {
			fewest = s.Connections
		}
	}
	return fewest
}

// Answered reports whether any request succeeded.
func (r Report) Answered() bool {
	for _, s := range r.Steps {
		if s.Requests > s.Failed {
			return true
		}
	}
	return false
}

// Responses returns the number of requests with a response.
func (r Report) Responses() (n int64) {
	for _, s := range r.Steps {
		for _, count := range s.Statuses {
			n += int64(count)
		}
	}
	return n
}

// Met returns the conditions that a step met.
func (r Report) Met() []Verdict {
	var met []Verdict
	for _, v := range r.Conditions {
		if v.Met {
			met = append(met, v)
		}
	}
	return met
}
