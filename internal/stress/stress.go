// Package stress asks a URL for much, and reports how it answered.
//
// Without a rate the load is a closed loop: each connection sends its next request
// when the last is answered, as wrk does, so that a service that stalls is asked
// less while it stalls. With a rate, requests are due at fixed times whatever
// becomes of those before, and a latency counts from when its request was due.
package stress

import (
	"context"
	"net/http"
	"time"
)

// Options say what to ask for, and how much of it. All must be set but those that
// say what their zero value is.
type Options struct {
	// URL is asked for with GET; Header goes with each request.
	URL    string
	Header http.Header
	// Steps are the numbers of connections to try, one after the other, each for
	// Duration.
	Steps    []int
	Duration time.Duration
	// Rate is how many requests are due each second. 0 is a closed loop.
	Rate int
	// Timeout is how long an answer may take, its body included.
	Timeout time.Duration
	// Queue returns how many requests wait in the load balancer's surge queue, and
	// how many it has turned away in all. Nil: nobody can tell.
	Queue func(context.Context) (Queue, error)
	// Progress is told of each second, by one goroutine, which it must not hold up.
	// Nil: nobody is.
	Progress func(Step, Second)
}

// Queue is what a load balancer says of its surge queue.
type Queue struct {
	Waiting   int   `json:"waiting"`   // requests, now
	Spillover int64 `json:"spillover"` // requests turned away since it exists
}

// Run makes the load and reports on it. When ctx ends, so does the load, once what
// was sent is answered or has timed out; the report tells what there was until
// then.
func Run(ctx context.Context, o Options) Report {
	if o.Progress == nil {
		o.Progress = func(Step, Second) {}
	}
	report := Report{URL: o.URL, StartedAt: time.Now().UTC(), Rate: o.Rate}
	for _, connections := range o.Steps {
		report.Steps = append(report.Steps, runStep(ctx, o, connections))
		if ctx.Err() != nil {
			report.Interrupted = true
			break
		}
	}
	report.Knee = knee(report.Steps)
	return report
}
