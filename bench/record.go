package main

import (
	"context"
	"fmt"
	"time"

	"lsapi/bench/internal/load"
	"lsapi/bench/internal/report"
)

const (
	recordClients = 500
	recordSpread  = 50
	recordLasts   = 15 * time.Second
	warmLasts     = 2 * time.Second // the lanes begin, and the first memberships are recorded
	// appendsOfAWrite is how many appends a write waits for: its intent's and its
	// outcome's.
	appendsOfAWrite = 2
)

// measureRecord has many clients change memberships, on an AWS that takes no time
// and a budget that limits nothing, so that the record is what is left.
func measureRecord(ctx context.Context, b *bench, s *report.Section) error {
	disk, err := b.syncs(ctx, b.lasting(syncsLast))
	if err != nil {
		return err
	}
	sqlite, err := b.newRecord()
	if err != nil {
		return err
	}
	if err := b.recordOn(ctx, s, "SQLite", sqlite, disk); err != nil {
		return err
	}
	const name = "PostgreSQL"
	server, err := b.startPostgres(ctx)
	if err != nil {
		s.Fail(name, err)
		return nil
	}
	defer server.stop()
	url, err := server.database(ctx)
	if err != nil {
		return err
	}
	return b.recordOn(ctx, s, name, url, disk)
}

// recordOn measures an engine, beside the disk that it writes to.
func (b *bench) recordOn(ctx context.Context, s *report.Section, engine, url string, disk load.Latencies) error {
	p, err := b.startWarmPair(ctx, launch{record: url, args: unlimited()}, "--fleet", fmt.Sprintf("%dx10", recordSpread))
	if err != nil {
		return err
	}
	defer p.stop()
	clients := recordClients
	if b.quick {
		clients /= 10
	}
	all, err := newChangers(ctx, p.service, clients, recordSpread)
	if err != nil {
		return err
	}
	change := func(lasts time.Duration) error {
		return together(all, func(c *changer) error { return c.change(ctx, lasts) })
	}
	if err := change(b.lasting(warmLasts)); err != nil {
		return err
	}
	for i := range all {
		all[i].latencies = nil
	}
	_, before, err := p.service.histogram(ctx, appendsMetric)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := change(b.lasting(recordLasts)); err != nil {
		return err
	}
	took := time.Since(began)
	_, after, err := p.service.histogram(ctx, appendsMetric)
	if err != nil {
		return err
	}
	s.Add(recordRows(engine, took, latenciesOf(all), after.since(before), disk)...)
	return nil
}

func recordRows(engine string, took time.Duration, writes load.Latencies, appends buckets, disk load.Latencies) []report.Row {
	// A write's appends together exceed a bound only if one of them exceeds its part
	// of it: so seldom must each.
	added := func(share float64) (report.Figure, string) {
		above, bound := appends.atMost(1 - (1-share)/appendsOfAWrite)
		return report.FigureOf(appendsOfAWrite * report.Milliseconds(bound)),
			fmt.Sprintf("at most: %d appends, each from %.3g to %.3g ms", appendsOfAWrite, report.Milliseconds(above), report.Milliseconds(bound))
	}
	row := func(what, unit string, figure report.Figure, aim *report.Aim, note string) report.Row {
		return report.Row{Name: engine + ", " + what, Unit: unit, Figure: figure, Aim: aim, Note: note}
	}
	beside := func(r report.Row, share float64) report.Row {
		r.Beside = []report.Yardstick{{Name: "a write and fsync of 4 KiB", Figure: report.FigureOf(report.Milliseconds(disk.Percentile(share)))}}
		return r
	}
	half, halfNote := added(0.5)
	most, mostNote := added(0.99)
	latency := func(share float64) report.Figure {
		return report.FigureOf(report.Milliseconds(writes.Percentile(share)))
	}
	return []report.Row{
		row("changes", "1/s", report.FigureOf(float64(len(writes))/took.Seconds()), nil, ""),
		beside(row("what recording adds to a write, p50", "ms", half, nil, halfNote), 0.5),
		beside(row("what recording adds to a write, p99", "ms", most, report.AtMost(15), mostNote), 0.99),
		row("whole writes, p50", "ms", latency(0.5), nil, ""),
		row("whole writes, p99", "ms", latency(0.99), nil, ""),
	}
}
