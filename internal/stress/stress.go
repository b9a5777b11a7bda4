// Package stress sends requests to a URL at a rate or over a number of connections, and
// reports latencies and failures.
//
// Without a rate the load is a closed loop, as in wrk: each connection sends its next
// request after the last answer, so a stalled service gets fewer requests. With a rate,
// requests are due at fixed times, and the corrected latency counts from these.
package stress

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"time"
)

// Run runs the load and returns its report. When ctx ends, the load ends after the
// requests in flight, and the report covers the time until then. It fails only if the
// request is invalid.
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
		for _, c := range o.FailIf {
			report.Conditions = append(report.Conditions, c.check(&step))
		}
		if ctx.Err() != nil {
			report.Interrupted = true
			break
		}
	}
	report.Knee = knee(report.Steps)
	return report, nil
}

func thisHost() Host {
	name, _ := os.Hostname() // optional in the report
	return Host{Name: name, OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()}
}

// runStep runs the load with a number of connections.
func runStep(ctx context.Context, o Options, connections int) (Step, error) {
	tally := newTally(connections)
	load, err := newLoad(ctx, o, connections, tally)
	if err != nil {
		return Step{}, err
	}
	if o.Queue != nil {
		if q, err := o.Queue(ctx); err == nil { // else the first successful read counts
			tally.spilledBefore = &q.Spillover
		}
	}
	queue := pollQueue(o.Queue)
	defer queue.close() //nolint:contextcheck // it ends with the step, which outlives ctx

	seconds := time.NewTicker(time.Second)
	defer seconds.Stop()
	load.began = time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		load.run(ctx, connections)
	}()
	for {
		select {
		case <-done:
			return tally.report(load.now(), queue.last(), o.Rate > 0), nil
		case <-seconds.C:
			o.Progress(tally.second(load.now(), queue.last()))
		}
	}
}
