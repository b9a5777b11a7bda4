package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"lsapi/bench/internal/load"
	"lsapi/bench/internal/report"
)

const (
	throttledLasts = time.Minute
	throttledFleet = 10
	readRate       = 2000
	readClients    = 64
	writeRate      = 5
)

// measureThrottled reads and writes while AWS refuses half of all calls, and compares the
// responses with the final state.
func measureThrottled(ctx context.Context, b *bench, s *report.Section) error {
	p, err := b.startFilledPair(ctx, "--fleet", fmt.Sprintf("%dx20", throttledFleet))
	if err != nil {
		return err
	}
	defer p.stop()
	if err := p.aws.refuseHalf(ctx); err != nil {
		return err
	}
	lasts := b.lasting(throttledLasts)
	writes := newWriters(p.service, path(1))
	written := make(chan error, 1)
	go func() { written <- writes.run(ctx, lasts) }()
	reads := load.Steady{
		PerSecond: readRate, Duration: lasts, Connections: readClients,
		Request: func(ctx context.Context, n int) (*http.Request, error) {
			return p.service.request(ctx, http.MethodGet, path(n%throttledFleet+1), "")
		},
	}.Run(ctx)
	if err := <-written; err != nil {
		return err
	}
	throttles, err := p.service.metric(ctx, throttlesMetric)
	if err != nil {
		return err
	}
	if err := p.aws.clearFaults(ctx); err != nil {
		return err
	}
	truth, err := p.aws.members(ctx, balancer(1))
	if err != nil {
		return err
	}
	addThrottled(s, reads, throttles, writes, truth)
	return nil
}

func addThrottled(s *report.Section, reads load.SteadyResult, throttles float64, writes *writers, truth map[string]bool) {
	count := func(n int) report.Figure { return report.FigureOf(float64(n)) }
	s.Add(
		report.Row{Name: "calls that AWS refused", Figure: report.FigureOf(throttles)},
		report.Row{Name: "reads that failed", Figure: count(reads.Failed()), Aim: report.AtMost(0), Note: fmt.Sprintf("of %d", reads.Failed()+reads.Succeeded())},
		report.Row{Name: "reads, p99", Unit: "ms", Figure: report.FigureOf(report.Milliseconds(reads.Latencies.Percentile(0.99)))},
		report.Row{Name: "writes", Figure: count(writes.sent), Note: writes.byStatus()},
		report.Row{Name: "writes without an answer", Figure: count(writes.unanswered), Aim: report.AtMost(0)},
		report.Row{Name: "answers that contradict earlier ones, or the contract", Figure: count(writes.untrue), Aim: report.AtMost(0)},
		report.Row{Name: "acknowledged changes that AWS does not have in the end", Figure: count(writes.lost(truth)), Aim: report.AtMost(0)},
	)
}
