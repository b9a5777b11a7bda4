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
	// Rate is how many requests were due each second. 0: a closed loop.
	Rate  int    `json:"rate,omitempty"`
	Steps []Step `json:"steps"`
	// Knee is the fewest connections that reach 90 % of the highest throughput: more
	// of them make answers later, and hardly more of them. 0: too few steps to tell.
	Knee int `json:"kneeConnections,omitempty"`
	// Conditions are those that no step may meet, with the figures of each step.
	Conditions []Verdict `json:"conditions,omitempty"`
}

// Host is the machine that made the load.
type Host struct {
	Name string `json:"name"`
	OS   string `json:"os"`
	Arch string `json:"arch"`
	CPUs int    `json:"cpus"`
	Go   string `json:"go"`
}

// Step is the load of so many connections.
type Step struct {
	Connections int `json:"connections"`
	// Took is until the end of the load, or until the last answer after that.
	Took     float64 `json:"tookSeconds"`
	Requests int     `json:"requests"`
	// Failed are those of the requests that got no whole answer, or one of 400 or more.
	Failed int `json:"failed"`
	// Unsent are those of the failed that were due at a constant rate and found no free
	// connection before the end.
	Unsent int   `json:"unsent,omitempty"`
	Bytes  int64 `json:"bytes"` // of the answers' bodies
	// Opened is how many connections were opened: more than Connections when the server
	// closes them. Resent is how often a request was sent again, over a new one, because
	// the server closed the old one instead of answering.
	Opened int `json:"connectionsOpened"`
	Resent int `json:"resent,omitempty"`
	// Throughput is requests a second that did not fail.
	Throughput float64 `json:"throughput"`
	// Latency is from when a request is sent to its whole answer, or its failure;
	// Corrected counts, at a constant rate, from when it was due, and in a closed loop
	// adds the requests that were not sent because a slow answer held up the next.
	Latency   Latency        `json:"latency"`
	Corrected Latency        `json:"corrected"`
	Statuses  map[string]int `json:"statuses"`
	Errors    map[string]int `json:"errors,omitempty"`
	Seconds   []Second       `json:"seconds"`
}

// Second is what happened in a second, or in what was left of one.
type Second struct {
	At       float64 `json:"at"` // its end, in seconds from the step's start
	Requests int     `json:"requests"`
	Failed   int     `json:"failed"`
	// Latency is corrected when there is a rate. Nil: nothing was answered.
	Latency *Latency `json:"latency,omitempty"`
	// Waiting is the longest surge queue that was seen, Spillover the requests that
	// the load balancer has turned away since the step's start. Nil: not known.
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

// knee returns the fewest connections that reach kneeShare of the highest
// throughput; 0 when there are too few steps to tell.
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

// Answered reports whether anything was answered as asked.
func (r Report) Answered() bool {
	for _, s := range r.Steps {
		if s.Requests > s.Failed {
			return true
		}
	}
	return false
}
