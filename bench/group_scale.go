package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"lsapi/bench/internal/load"
	"lsapi/bench/internal/report"
)

const (
	scaledGroups  = 10_000
	scaledTargets = 10
	scaledHot     = 100 // groups that are read
	scaledRate    = 2000
	scaledLasts   = 30 * time.Second
	// scaledBudget reads all groups within minutes, and scaledSweep makes the sweep go on
	// while reads are measured.
	scaledBudget = "2000+1000"
	scaledSweep  = "1m"
)

// measureGroupScale measures a large fleet of target groups, once all were read.
func measureGroupScale(ctx context.Context, b *bench, s *report.Section) error {
	groups := scaledGroups
	if b.quick {
		groups /= 100
	}
	l := launch{args: slices.Concat(unlimited(), []string{"--budget-elbv2-read", scaledBudget, "--sweep", scaledSweep})}
	p, err := b.startPair(ctx, l, "--fleet", fmt.Sprintf("tg:%dx%d", groups, scaledTargets))
	if err != nil {
		return err
	}
	defer p.stop()
	sampling, stop := context.WithCancel(ctx)
	defer stop()
	var resident float64
	sampled := make(chan error, 1)
	go func() {
		var err error
		resident, err = p.service.peakMemory(sampling)
		sampled <- err
	}()
	began := time.Now()
	if err := p.service.warm(ctx, groupPath(1)+"/members"); err != nil {
		return err
	}
	if err := p.service.untilMetric(ctx, listsMetric, float64(groups)); err != nil {
		return err
	}
	took := time.Since(began)
	reads := load.Steady{
		PerSecond: scaledRate, Duration: b.lasting(scaledLasts), Connections: heavyClients,
		Request: func(ctx context.Context, n int) (*http.Request, error) {
			return p.service.request(ctx, http.MethodGet, groupPath(n%min(scaledHot, groups)+1)+"/members", "")
		},
	}.Run(ctx)
	stop()
	if err := <-sampled; err != nil {
		return err
	}
	s.Add(
		report.Row{Name: "resident memory", Unit: "MiB", Figure: report.FigureOf(resident), Aim: report.AtMost(250), Note: "the most that was seen"},
		report.Row{Name: "p99 at 2,000 reads/s", Unit: "ms", Figure: report.FigureOf(report.Milliseconds(reads.Latencies.Percentile(0.99))), Aim: report.AtMost(5), Note: fmt.Sprintf("%d failed; p50 %.3g ms", reads.Failed(), report.Milliseconds(reads.Latencies.Percentile(0.5)))},
		report.Row{Name: "until all were read", Unit: "s", Figure: report.FigureOf(took.Seconds())},
	)
	return nil
}
