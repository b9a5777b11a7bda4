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
	groupFleet    = 500
	groupTargets  = 20
	readGroups    = 20
	groupReadLast = 2 * time.Minute // with each number of clients
	// groupReadRate is the reads a second of each client: few, so that the load leaves the
	// processors to the service and to AWS.
	groupReadRate = 10
	sweepBound    = 6 * time.Minute // from the start until every group was read
	afterSweep    = 45 * time.Second
	sweepAim      = 300 // seconds, the default of --sweep
)

// measureGroups measures the age of target groups from the start of the service, and AWS's
// calls, while some of the groups are read by few and by many clients.
func measureGroups(ctx context.Context, b *bench, s *report.Section) error {
	groups, hot := groupFleet, readGroups
	if b.quick {
		groups, hot = groups/25, hot/5
	}
	p, err := b.startPair(ctx, launch{}, "--fleet", fmt.Sprintf("tg:%dx%d", groups, groupTargets), "--latency", awsLatency, "--throttle", "aws")
	if err != nil {
		return err
	}
	defer p.stop()
	sampling, stop := context.WithCancel(ctx)
	defer stop()
	ages := newGroupAges(p.service, groups, hot)
	for n := 1; n <= hot; n++ {
		if err := p.service.warm(ctx, groupPath(n)+"/members"); err != nil {
			return err
		}
	}
	sampled := make(chan error, 1)
	go func() { sampled <- ages.sample(sampling) }()
	if err := measureGroupCalls(ctx, b, p, s, hot); err != nil {
		return err
	}
	if err := ages.awaitSweep(ctx); err != nil {
		return err
	}
	if err := pause(ctx, b.lasting(afterSweep)); err != nil {
		return err
	}
	stop()
	if err := <-sampled; err != nil {
		return err
	}
	ages.addTo(s)
	throttles, err := p.service.metric(ctx, throttlesMetric)
	s.Add(report.Row{Name: "attempts that AWS throttled", Figure: report.FigureOf(throttles), Aim: report.AtMost(0)})
	return err
}

// measureGroupCalls counts AWS's calls while one client and then a hundred read the groups.
func measureGroupCalls(ctx context.Context, b *bench, p pair, s *report.Section, hot int) error {
	perMinute := make(map[int]float64)
	for _, clients := range []int{1, 100} {
		if err := p.aws.resetCalls(ctx); err != nil {
			return err
		}
		began := time.Now()
		reads := load.Steady{
			PerSecond: float64(groupReadRate * clients), Duration: b.lasting(groupReadLast), Connections: clients,
			Request: func(ctx context.Context, n int) (*http.Request, error) {
				return p.service.request(ctx, http.MethodGet, groupPath(n%hot+1)+"/members", "")
			},
		}.Run(ctx)
		calls, err := p.aws.callsOf(ctx, elbv2)
		if err != nil {
			return err
		}
		minutes := time.Since(began).Minutes()
		all := 0
		for _, n := range calls {
			all += n
		}
		perMinute[clients] = float64(all) / minutes
		s.Add(
			report.Row{
				Name: fmt.Sprintf("clients: %d, calls of AWS", clients), Unit: "1/min", Figure: report.FigureOf(perMinute[clients]),
				Note: fmt.Sprintf("DescribeTargetHealth %.0f, DescribeTargetGroups %.0f", float64(calls["DescribeTargetHealth"])/minutes, float64(calls["DescribeTargetGroups"])/minutes),
			},
			report.Row{
				Name: fmt.Sprintf("clients: %d, reads that failed", clients), Figure: report.FigureOf(float64(reads.Failed())), Aim: report.AtMost(0),
				Note: fmt.Sprintf("of %d, p99 %.3g ms", reads.Failed()+reads.Succeeded(), report.Milliseconds(reads.Latencies.Percentile(0.99))),
			},
		)
	}
	s.Add(report.Row{
		Name: "calls with 100 clients, of those with 1", Unit: "x", Figure: report.FigureOf(perMinute[100] / perMinute[1]), Aim: report.AtMost(1.03),
	})
	return nil
}
