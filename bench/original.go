package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"lsapi/bench/internal/load"
	"lsapi/bench/internal/report"
)

const (
	originalName   = "the original"
	originalLasts  = 10 * time.Second
	originalRounds = 3
	awsLatency     = "50ms"
	plottedClients = 12
)

// measureOriginal compares reads from memory with a call to AWS for every request, and with
// commands that run once for every list.
func measureOriginal(ctx context.Context, b *bench, s *report.Section) error {
	p, err := b.startFilledPair(ctx, "--fleet", readFleet, "--latency", awsLatency)
	if err != nil {
		return err
	}
	defer p.stop()
	original, err := b.startService(ctx, launch{original: true, aws: p.aws.url})
	if err != nil {
		return err
	}
	defer original.Stop()
	lasts := b.lasting(originalLasts)
	if b.quick {
		lasts = 3 * time.Second // a list takes a second
	}
	for _, clients := range []int{plottedClients, 64} {
		w := load.Wrk{Threads: 2, Connections: clients, Duration: lasts}
		var commands []command
		if clients == plottedClients { // more processes than that measure the processors alone
			commands = []command{b.lsapiCommand(p.service), b.awsCommand(p.aws)}
		}
		c := make(comparison)
		for range b.times(originalRounds) {
			if err := c.addRound(ctx, []contender{{lsapiName, p.service}, {originalName, original}}, commands, w); err != nil {
				return err
			}
		}
		prefix := fmt.Sprintf("%d connections", clients)
		for _, other := range slices.Sorted(maps.Keys(c)) {
			if other != lsapiName {
				s.Add(report.Row{Name: fmt.Sprintf("%s, requests/s, of those of %s", prefix, other), Unit: "x", Figure: c.rate(other)})
			}
		}
		s.Add(c.rows(prefix)...)
		if clients == plottedClients {
			s.Curves = c.bars()
		}
	}
	return nil
}

// addRound measures the services, and then the commands, for as long and with as many callers.
func (c comparison) addRound(ctx context.Context, services []contender, commands []command, w load.Wrk) error {
	round, err := compare(ctx, services, path(1), w, 1)
	if err != nil {
		return err
	}
	for name, taken := range round {
		c[name] = append(c[name], taken...)
	}
	for _, command := range commands {
		taken, err := command.repeat(ctx, w.Connections, w.Duration)
		if err != nil {
			return err
		}
		c[command.name] = append(c[command.name], taken)
	}
	return nil
}

// bars returns one bar for each contender: its requests per second.
func (c comparison) bars() []report.Curve {
	var bars []report.Curve
	for _, bar := range []struct{ name, label string }{
		{lsapiName, "lsapi: GET /elb/elb-0001"},
		{commandName, "lsapi elb show elb-0001: a process for each list"},
		{originalName, "a service that calls AWS on each request"},
		{awsName, "aws elb describe-load-balancers: a process for each list"},
	} {
		rate := c.figure(bar.name, func(s sample) float64 { return s.perSecond })
		bars = append(bars, report.Curve{
			Plot: report.RequestRates, Series: bar.label, Columns: []string{"requests/s", "least", "most"},
			Points:  [][]float64{{rate.Median, rate.Min, rate.Max}},
			Caption: fmt.Sprintf("%d callers on the machine of the service; the emulated AWS takes 50 ms a call; median of %d runs", plottedClients, rate.Runs),
		})
	}
	return bars
}
