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
	idle := b.lasting(scaledLasts)
	spent, err := p.service.usageOver(func() error { return pause(ctx, idle) })
	if err != nil {
		return err
	}
	reads := readGroupMembers(ctx, p.service, min(scaledHot, groups), b.lasting(scaledLasts))
	stop()
	if err := <-sampled; err != nil {
		return err
	}
	bare, err := b.bareGroupReads(ctx, p.service)
	if err != nil {
		return err
	}
	p99 := func(r load.SteadyResult) report.Figure {
		return report.FigureOf(report.Milliseconds(r.Latencies.Percentile(0.99)))
	}
	s.Add(
		report.Row{Name: "until all were read", Unit: "s", Figure: report.FigureOf(took.Seconds())},
		report.Row{Name: "resident memory", Unit: "MiB", Figure: report.FigureOf(resident), Aim: report.AtMost(250), Note: "the most that was seen"},
		report.Row{Name: "processor time of refreshes and the sweep", Unit: "% of a core", Figure: report.FigureOf(100 * spent.CPU.Seconds() / idle.Seconds())},
		report.Row{
			Name: "p99 at 2,000 reads/s", Unit: "ms", Figure: p99(reads), Aim: report.AtMost(5),
			Beside: []report.Yardstick{{Name: bareName + " beside it", Figure: p99(bare)}},
			Note:   fmt.Sprintf("%d failed; p50 %.3g ms", reads.Failed(), report.Milliseconds(reads.Latencies.Percentile(0.5))),
		},
	)
	return nil
}

// readGroupMembers reads the members of the first groups in turn.
func readGroupMembers(ctx context.Context, s *service, groups int, lasts time.Duration) load.SteadyResult {
	return load.Steady{
		PerSecond: scaledRate, Duration: lasts, Connections: heavyClients,
		Request: func(ctx context.Context, n int) (*http.Request, error) {
			return s.request(ctx, http.MethodGet, groupPath(n%groups+1)+"/members", "")
		},
	}.Run(ctx)
}

// bareGroupReads sends the same load to a bare server with the same answer, while lsapi goes
// on refreshing.
func (b *bench) bareGroupReads(ctx context.Context, like *service) (load.SteadyResult, error) {
	said, err := like.get(ctx, groupPath(1)+"/members")
	if err != nil {
		return load.SteadyResult{}, err
	}
	file := b.file("members")
	if err := said.write(file); err != nil {
		return load.SteadyResult{}, err
	}
	bare, err := b.startBare(ctx, "-answer", file)
	if err != nil {
		return load.SteadyResult{}, err
	}
	defer bare.Stop()
	return readGroupMembers(ctx, bare, 1, b.lasting(scaledLasts)), nil
}
