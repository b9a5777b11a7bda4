package main

import (
	"context"
	"time"

	"lsapi/bench/internal/process"
	"lsapi/bench/internal/report"
)

const (
	startRuns = 11
	idleRuns  = 3 // memory is steady enough for that
	idleFor   = 3 * time.Second
)

// measureStart measures the time from the start of the process to the first 200 of its
// health check, and its memory after an idle time.
func measureStart(ctx context.Context, b *bench, s *report.Section) error {
	var lsapi, bare rest
	for i := range b.times(startRuns) {
		idle := time.Duration(0)
		if i < idleRuns {
			idle = b.lasting(idleFor)
		}
		err := lsapi.observe(ctx, idle, func() (*service, error) { return b.startService(ctx, launch{aws: nowhere}) })
		if err != nil {
			return err
		}
		err = bare.observe(ctx, idle, func() (*service, error) { return b.startBare(ctx) })
		if err != nil {
			return err
		}
	}
	s.Add(
		report.Row{
			Name: "start to the first 200 of /healthcheck", Unit: "ms", Aim: report.AtMost(150),
			Figure: report.FigureOf(lsapi.starts...),
			Beside: []report.Yardstick{{Name: bareName, Figure: report.FigureOf(bare.starts...)}},
		},
		report.Row{
			Name: "resident memory, idle", Unit: "MiB", Aim: report.AtMost(40),
			Figure: report.FigureOf(lsapi.memory...),
			Beside: []report.Yardstick{{Name: bareName, Figure: report.FigureOf(bare.memory...)}},
		},
	)
	return nil
}

// rest is the cost of start and idling, in milliseconds and mebibytes.
type rest struct{ starts, memory []float64 }

// observe starts a service, measures it, and stops it.
func (r *rest) observe(ctx context.Context, idle time.Duration, start func() (*service, error)) error {
	started, err := start()
	if err != nil {
		return err
	}
	defer started.Stop()
	r.starts = append(r.starts, report.Milliseconds(started.Startup()))
	if idle == 0 {
		return nil
	}
	if err := pause(ctx, idle); err != nil {
		return err
	}
	usage, err := started.Usage()
	r.memory = append(r.memory, report.Mebibytes(usage.Resident))
	return err
}

const bareName = "bare net/http"

// startBare starts the minimal HTTP service.
func (b *bench) startBare(ctx context.Context, args ...string) (*service, error) {
	address, err := process.FreeAddress()
	if err != nil {
		return nil, err
	}
	p, err := process.Start(ctx, process.Command{
		Path:   b.bare,
		Args:   append([]string{"-listen", address}, args...),
		Output: b.file("bare.log"),
		Ready:  "http://" + address + "/healthcheck",
	})
	if err != nil {
		return nil, err
	}
	return &service{p, address}, nil
}
