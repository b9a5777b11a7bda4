package main

import (
	"context"
	"fmt"
	"time"

	"lsapi/bench/internal/load"
	"lsapi/bench/internal/report"
)

const (
	callsLast = 30 * time.Second // half of the lifetime of instance metadata
	// renewal is the number of calls to read all instances of the fleet: pages of 1,000 for
	// 2,000 members and 1,000 other instances.
	renewal = 3
)

// measureCalls counts AWS calls while readers read as fast as they can.
func measureCalls(ctx context.Context, b *bench, s *report.Section) error {
	p, err := b.startFilledPair(ctx, "--fleet", "100x20")
	if err != nil {
		return err
	}
	defer p.stop()
	for _, clients := range []int{1, 10, 100} {
		if err := p.countCalls(ctx, s, clients, b.lasting(callsLast)); err != nil {
			return err
		}
	}
	return nil
}

func (p pair) countCalls(ctx context.Context, s *report.Section, clients int, lasts time.Duration) error {
	before, err := p.service.metric(ctx, refreshMetric)
	if err != nil {
		return err
	}
	if err := p.aws.resetCalls(ctx); err != nil {
		return err
	}
	began := time.Now()
	said, err := load.Wrk{
		Threads: min(2, clients), Connections: clients, Duration: lasts,
		URL: p.service.url("/"), Header: "Authorization: " + authorization(), Paths: paths(100),
	}.Run(ctx)
	if err != nil {
		return err
	}
	calls, err := p.aws.calls(ctx)
	if err != nil {
		return err
	}
	after, err := p.service.metric(ctx, refreshMetric)
	if err != nil {
		return err
	}
	minutes := time.Since(began).Minutes()
	lists, lookups := calls["DescribeLoadBalancers"], calls["DescribeInstances"]
	prefix := fmt.Sprintf("clients: %d", clients)
	s.Add(
		report.Row{Name: prefix + ", requests", Unit: "1/s", Figure: report.FigureOf(said.PerSecond), Note: fmt.Sprintf("%d failed", said.Failed)},
		report.Row{Name: prefix + ", DescribeLoadBalancers", Unit: "1/min", Figure: report.FigureOf(float64(lists) / minutes)},
		// A refresh may be in progress at either end.
		report.Row{Name: prefix + ", DescribeLoadBalancers beyond the refreshes", Figure: report.FigureOf(float64(lists) - (after - before)), Aim: report.AtMost(1)},
		report.Row{
			Name: prefix + ", DescribeInstances", Unit: fmt.Sprintf("in %.0f s", minutes*60), Figure: report.FigureOf(float64(lookups)),
			Aim: report.AtMost(renewal), Note: "instance metadata is renewed once a minute",
		},
	)
	return nil
}
