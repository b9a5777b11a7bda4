package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"lsapi/bench/internal/report"
	"lsapi/bench/internal/seed"
)

const (
	historyChanges = 1_000_000
	quickChanges   = 10_000
	pageAsks       = 21
	verifyRuns     = 3
)

// measureHistory measures the queries and the verification of a long record.
func measureHistory(ctx context.Context, b *bench, s *report.Section) error {
	changes := historyChanges
	if b.quick {
		changes = quickChanges
	}
	folder, err := os.MkdirTemp(b.dir, "history-")
	if err != nil {
		return err
	}
	url := recordIn(folder)
	began := time.Now()
	if err := seed.Record(ctx, url, changes, balancer); err != nil {
		return err
	}
	written := time.Since(began)
	size, err := sizeOf(folder)
	if err != nil {
		return err
	}
	s.Add(report.Row{
		Name: "bytes on disk for a change", Figure: report.FigureOf(float64(size) / float64(changes)),
		Note: fmt.Sprintf("%d changes of %d load balancers, of 2 events each; written past the service in %.0f s", changes, seed.LoadBalancers, written.Seconds()),
	})
	if err := b.askPages(ctx, s, url); err != nil {
		return err
	}
	return b.verifyRecord(ctx, s, url, changes)
}

// filters are queries with one filter each.
func filters() map[string]string {
	middle := time.Now().Add(-seed.Span / 2).UTC().Format(time.RFC3339)
	return map[string]string{
		"load balancer": "pool=elb/" + balancer(7),
		"instance":      "instance=" + seed.Instance(77),
		"actor":         "actor=" + seed.Actor(3),
		"action":        "action=detach",
		"outcome":       "outcome=refused",
		"from":          "from=" + middle,
		"to":            "to=" + middle,
		"nothing":       "",
	}
}

// askPages reads the first page for each filter.
func (b *bench) askPages(ctx context.Context, s *report.Section, url string) error {
	served, err := b.startService(ctx, launch{aws: nowhere, record: url})
	if err != nil {
		return err
	}
	defer served.Stop()
	if err := served.warm(ctx, "/v1/changes"); err != nil {
		return err
	}
	all := filters()
	var slowest []float64
	for _, by := range []string{"nothing", "load balancer", "instance", "actor", "action", "outcome", "from", "to"} {
		var took []float64
		for range b.times(pageAsks) {
			began := time.Now()
			if err := served.warm(ctx, "/v1/changes?limit=100&"+all[by]); err != nil {
				return fmt.Errorf("a page by %s: %w", by, err)
			}
			took = append(took, report.Milliseconds(time.Since(began)))
		}
		figure := report.FigureOf(took...)
		slowest = append(slowest, figure.Max)
		s.Add(report.Row{Name: "a page of 100, filtered by " + by, Unit: "ms", Figure: figure, Aim: report.AtMost(20)})
	}
	s.Add(report.Row{Name: "the slowest of these pages", Unit: "ms", Figure: report.FigureOf(report.FigureOf(slowest...).Max), Aim: report.AtMost(20)})
	return nil
}

// verifyRecord measures the verification of a record.
func (b *bench) verifyRecord(ctx context.Context, s *report.Section, url string, changes int) error {
	var took []float64
	for range b.times(verifyRuns) {
		verify := exec.CommandContext(ctx, b.binary, "changes", "verify", "--store", url)
		began := time.Now()
		if out, err := verify.CombinedOutput(); err != nil {
			return fmt.Errorf("lsapi changes verify: %w\n%s", err, out)
		}
		took = append(took, time.Since(began).Seconds())
	}
	s.Add(report.Row{
		Name: "lsapi changes verify", Unit: "s", Figure: report.FigureOf(took...), Aim: report.AtMost(10),
		Note: fmt.Sprintf("%d changes", changes),
	})
	return nil
}

// sizeOf returns the total size of a folder's files.
func sizeOf(folder string) (size int64, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
		info, err := os.Stat(filepath.Join(folder, entry.Name()))
		if err != nil {
			return 0, err
		}
		size += info.Size()
	}
	return size, nil
}
