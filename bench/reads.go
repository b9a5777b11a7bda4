package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"lsapi/bench/internal/load"
	"lsapi/bench/internal/report"
)

const (
	readFleet  = "100x20" // a body below 4 kB
	readRounds = 3
	readLasts  = 5 * time.Second
	loadLasts  = 2 * time.Second // each point of the plot
	seedLasts  = 30 * time.Second
	micro      = "GOMEMLIMIT=900MiB" // the memory of a machine of 1 GB
)

// measureReads compares lsapi, nginx and a bare net/http server with the same bytes.
func measureReads(ctx context.Context, b *bench, s *report.Section) error {
	p, err := b.startFilledPair(ctx, "--fleet", readFleet)
	if err != nil {
		return err
	}
	defer p.stop()
	like, err := p.service.get(ctx, path(1))
	if err != nil {
		return err
	}
	contenders, stop, err := b.startContenders(ctx, s, p.service, like)
	if err != nil {
		return err
	}
	defer stop()
	for _, measure := range []func(context.Context, *bench, *report.Section, []contender) error{
		compareReads, seedLine, latencyOverLoad,
	} {
		if err := measure(ctx, b, s, contenders); err != nil {
			return err
		}
	}
	return b.oneCore(ctx, s, p.aws.url, like)
}

// startContenders starts nginx and the bare server beside lsapi. Without nginx the others
// are measured.
func (b *bench) startContenders(ctx context.Context, s *report.Section, lsapi *service, like answer) (all []contender, stop func(), err error) {
	var started []*service
	stop = func() {
		for _, other := range started {
			other.Stop()
		}
	}
	all = []contender{{lsapiName, lsapi}}
	if nginx, err := b.startNginx(ctx, path(1), like, 0); err != nil {
		s.Fail("the yardstick nginx", err)
	} else {
		started = append(started, nginx)
		all = append(all, contender{nginxName, nginx})
	}
	file := b.file("answer")
	if err := like.write(file); err != nil {
		stop()
		return nil, nil, err
	}
	bare, err := b.startBare(ctx, "-answer", file)
	if err != nil {
		stop()
		return nil, nil, err
	}
	started = append(started, bare)
	return append(all, contender{bareName, bare}), stop, nil
}

func compareReads(ctx context.Context, b *bench, s *report.Section, contenders []contender) error {
	for _, connections := range []int{12, 64} {
		c, err := compare(ctx, contenders, path(1), load.Wrk{Threads: 2, Connections: connections, Duration: b.lasting(readLasts)}, b.times(readRounds))
		if err != nil {
			return err
		}
		prefix := fmt.Sprintf("%d connections", connections)
		if len(c[nginxName]) > 0 {
			s.Add(report.Row{Name: prefix + ", requests/s of nginx's", Unit: "x", Figure: c.rate(nginxName), Aim: report.AtLeast(0.8)})
		}
		s.Add(report.Row{Name: prefix + ", requests/s of the bare server's", Unit: "x", Figure: c.rate(bareName)})
		s.Add(c.rows(prefix)...)
	}
	return nil
}

// seedLine measures with the command of the original's figures: 10 requests/s at 1.13 s on
// average.
func seedLine(ctx context.Context, b *bench, s *report.Section, contenders []contender) error {
	for _, c := range contenders {
		if c.name != lsapiName {
			continue
		}
		said, err := c.ask(ctx, path(1), load.Wrk{Threads: 12, Connections: 12, Duration: b.lasting(seedLasts)})
		if err != nil {
			return err
		}
		row := comparison{lsapiName: {said}}.row("wrk -t12 -c12 -d30s, requests", "1/s", func(s sample) float64 { return s.perSecond })
		row.Note = fmt.Sprintf("p50 %.2g ms, p99 %.2g ms; the original: 10 requests/s, 1.13 s on average", said.p50, said.p99)
		s.Add(row)
	}
	return nil
}

// latencyOverLoad measures latency over the number of connections.
func latencyOverLoad(ctx context.Context, b *bench, s *report.Section, contenders []contender) error {
	for _, c := range contenders {
		curve := report.Curve{Plot: report.LatencyOverLoad, Series: c.name, Columns: []string{"connections", "p50 ms", "p99 ms", "requests/s"}}
		for _, connections := range []int{1, 4, 16, 64, 256} {
			said, err := c.ask(ctx, path(1), load.Wrk{Threads: min(2, connections), Connections: connections, Duration: b.lasting(loadLasts)})
			if err != nil {
				return err
			}
			curve.Points = append(curve.Points, []float64{float64(connections), said.p50, said.p99, said.perSecond})
		}
		s.Curves = append(s.Curves, curve)
	}
	return nil
}

// oneCore pins the server to one processor, and wrk to another.
func (b *bench) oneCore(ctx context.Context, s *report.Section, aws string, like answer) error {
	const name = "one core and 1 GB, 12 connections"
	if runtime.NumCPU() < 2 {
		s.Fail(name, fmt.Errorf("there is no second core for wrk"))
		return nil
	}
	pinned := []string{"taskset", "-c", "0"}
	lsapi, err := b.startService(ctx, launch{aws: aws, env: []string{micro}, within: pinned})
	if err != nil {
		return err
	}
	defer lsapi.Stop()
	if err := lsapi.warm(ctx, path(1)); err != nil {
		return err
	}
	if err := lsapi.untilMetric(ctx, refreshMetric, 1); err != nil {
		return err
	}
	contenders := []contender{{lsapiName, lsapi}}
	if nginx, err := b.startNginx(ctx, path(1), like, 1, pinned...); err == nil { // the error was reported before
		defer nginx.Stop()
		contenders = append(contenders, contender{nginxName, nginx})
	}
	second := 1
	c, err := compare(ctx, contenders, path(1), load.Wrk{Threads: 1, Connections: 12, Duration: b.lasting(readLasts), Processor: &second}, b.times(readRounds))
	if err != nil {
		return err
	}
	s.Add(c.rows(name)...)
	return nil
}
