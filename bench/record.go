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
	recordPace    = 100             // changes a second: 25 times AWS's limit
	warmLasts     = 2 * time.Second // for the first memberships to be recorded
	// appendsOfAWrite is the number of appends that a write waits for: its intent's and
	// its outcome's.
	appendsOfAWrite = 2
)

// measureRecord measures many clients that change memberships, with an instant AWS and an
// unlimited budget, so that the record is the bottleneck.
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

// recordOn measures an engine beside its disk: at full speed, and at a pace that leaves
// the machine mostly idle.
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
	r := &recording{service: p.service}
	if r.clients, err = newChangers(ctx, p.service, clients, recordSpread); err != nil {
		return err
	}
	if err := r.run(ctx, b.lasting(warmLasts), 0); err != nil {
		return err
	}
	apart := time.Duration(clients) * time.Second / recordPace
	for _, pace := range []struct {
		name  string
		apart time.Duration
	}{{fmt.Sprintf("%d changes/s", recordPace), apart}, {"as fast as answered", 0}} {
		if err := r.run(ctx, b.lasting(recordLasts), pace.apart); err != nil {
			return err
		}
		s.Add(r.rows(engine+", "+pace.name, disk)...)
	}
	return nil
}

// recording is the result of some changes, by clients and by the service.
type recording struct {
	service *service
	clients []changer

	took    time.Duration
	writes  load.Latencies
	appends buckets
}

// run runs the clients.
func (r *recording) run(ctx context.Context, lasts, apart time.Duration) error {
	for i := range r.clients {
		r.clients[i].latencies = nil
	}
	_, before, err := r.service.histogram(ctx, appendsMetric)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := together(r.clients, func(c *changer) error { return c.repeat(ctx, lasts, apart) }); err != nil {
		return err
	}
	r.took, r.writes = time.Since(began), latenciesOf(r.clients)
	_, after, err := r.service.histogram(ctx, appendsMetric)
	r.appends = after.since(before)
	return err
}

func (r *recording) rows(prefix string, disk load.Latencies) []report.Row {
	// The sum of a write's appends exceeds a bound only if one of them exceeds its part of
	// it. The whole write is a further bound.
	added := func(share float64) (report.Figure, string) {
		above, bound := r.appends.atMost(1 - (1-share)/appendsOfAWrite)
		most := min(appendsOfAWrite*report.Milliseconds(bound), report.Milliseconds(r.writes.Percentile(share)))
		return report.FigureOf(most),
			fmt.Sprintf("at most: %d appends, each from %.3g to %.3g ms", appendsOfAWrite, report.Milliseconds(above), report.Milliseconds(bound))
	}
	row := func(what, unit string, figure report.Figure, aim *report.Aim, note string) report.Row {
		return report.Row{Name: prefix + ", " + what, Unit: unit, Figure: figure, Aim: aim, Note: note}
	}
	beside := func(row report.Row, share float64) report.Row {
		row.Beside = []report.Yardstick{{Name: "a write and fsync of 4 KiB", Figure: report.FigureOf(report.Milliseconds(disk.Percentile(share)))}}
		return row
	}
	half, halfNote := added(0.5)
	most, mostNote := added(0.99)
	latency := func(share float64) report.Figure {
		return report.FigureOf(report.Milliseconds(r.writes.Percentile(share)))
	}
	return []report.Row{
		row("changes", "1/s", report.FigureOf(float64(len(r.writes))/r.took.Seconds()), nil, ""),
		beside(row("what recording adds to a write, p50", "ms", half, nil, halfNote), 0.5),
		beside(row("what recording adds to a write, p99", "ms", most, report.AtMost(15), mostNote), 0.99),
		row("whole writes, p50", "ms", latency(0.5), nil, ""),
		row("whole writes, p99", "ms", latency(0.99), nil, ""),
	}
}
