// Package stress sends a URL many requests, and reports how it answered.
//
// Without a rate the load is a closed loop: each connection sends its next request
// when the last is answered, as wrk does, so that a service that stalls is sent less
// while it stalls. With a rate, requests are due at fixed times whatever becomes of
// those before, and a corrected latency counts from when its request was due.
package stress

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"
)

// Options are the requests to send, and how many of them. All must be set but those
// whose comment gives the meaning of their zero value.
type Options struct {
	// Method and URL of each request; an empty method is GET. Header goes with each.
	Method string
	URL    string
	Header http.Header
	// Body is sent with each request. Empty: there is none.
	Body []byte
	// Steps are the numbers of connections to try, one after the other, each for
	// Duration.
	Steps    []int
	Duration time.Duration
	// Rate is how many requests are due each second. 0 is a closed loop.
	Rate int
	// Timeout is how long an answer may take from when it is asked for, its body
	// included.
	Timeout time.Duration
	// FailIf are the conditions that no step may meet.
	FailIf []Condition
	// Command and Version are stated in the report. Empty: they are left out.
	Command, Version string
	// Queue returns how many requests wait in the load balancer's surge queue, and
	// how many it has turned away in all. Nil: it is not known.
	Queue func(context.Context) (Queue, error)
	// Dial connects to the server. Nil: over the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Progress is called for each second, by one goroutine, which it must not hold up,
	// with the step's counts until then. Nil: it is not called.
	Progress func(Step, Second)
}

// Queue is a load balancer's surge queue.
type Queue struct {
	Waiting   int   `json:"waiting"`   // requests, now
	Spillover int64 `json:"spillover"` // requests turned away since it exists
}

// Run makes the load and reports on it. When ctx ends, so does the load, once what
// was sent is answered or has timed out; the report covers the time until then. Its
// error is that of a request that cannot be made.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.Progress == nil {
		o.Progress = func(Step, Second) {}
	}
	o.Method = cmp.Or(o.Method, http.MethodGet)
	report := Report{
		URL: RedactURL(o.URL), Method: o.Method, StartedAt: time.Now().UTC(), Rate: o.Rate,
		Command: o.Command, Version: o.Version, Host: thisHost(),
	}
	for _, connections := range o.Steps {
		step, err := runStep(ctx, o, connections)
		if err != nil {
			return Report{}, fmt.Errorf("make the load: %w", err)
		}
		report.Steps = append(report.Steps, step)
		report.check(o.FailIf, &step)
		if ctx.Err() != nil {
			report.Interrupted = true
			break
		}
	}
	report.Knee = knee(report.Steps)
	return report, nil
}

func thisHost() Host {
	name, _ := os.Hostname() // a report without it is still a report
	return Host{Name: name, OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()}
}
