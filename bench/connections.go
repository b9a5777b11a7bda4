package main

import (
	"context"
	"fmt"
	"net/http"
	"syscall"
	"time"

	"lsapi/bench/internal/load"
	"lsapi/bench/internal/report"
)

const (
	idleConnections = 10_000
	slowConnections = 1_000
	otherFiles      = 200 // further open files of bench and lsapi
	checkRate       = 100
	checksLast      = 15 * time.Second // the service cuts some slow clients off after 5 s
)

// measureConnections measures health checks beside idle and slow connections.
func measureConnections(ctx context.Context, b *bench, s *report.Section) error {
	idle, slow := idleConnections, slowConnections
	if b.quick {
		idle, slow = idle/10, slow/10
	}
	if err := allowFiles(idle + slow + otherFiles); err != nil {
		return err
	}
	p, err := b.startFilledPair(ctx, "--fleet", "10x100")
	if err != nil {
		return err
	}
	defer p.stop()
	alone := checkHealth(ctx, p.service, b.lasting(checksLast))

	crowd := newCrowd(p.service)
	defer crowd.close()
	if err := crowd.open(ctx, idle, slow); err != nil {
		return err
	}
	crowded := checkHealth(ctx, p.service, b.lasting(checksLast))
	usage, err := p.service.Usage()
	if err != nil {
		return err
	}
	s.Add(
		report.Row{
			Name: "health check, p99", Unit: "ms", Aim: report.AtMost(50), Figure: report.FigureOf(report.Milliseconds(crowded.Latencies.Percentile(0.99))),
			Beside: []report.Yardstick{{Name: "without them", Figure: report.FigureOf(report.Milliseconds(alone.Latencies.Percentile(0.99)))}},
		},
		report.Row{Name: "health checks that failed", Figure: report.FigureOf(float64(crowded.Failed())), Aim: report.AtMost(0), Note: fmt.Sprintf("of %d", crowded.Failed()+crowded.Succeeded())},
		report.Row{Name: "idle connections that were kept", Figure: report.FigureOf(float64(crowd.kept())), Aim: report.AtLeast(float64(idle))},
		report.Row{Name: "slow clients that were cut off, and came again", Figure: report.FigureOf(float64(crowd.cutOff.Load()))},
		report.Row{Name: "resident memory with them", Unit: "MiB", Figure: report.FigureOf(report.Mebibytes(usage.Resident))},
	)
	return nil
}

// allowFiles raises the limit of open files to the maximum. Go programs, such as lsapi, do
// the same at their start.
func allowFiles(wanted int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("read the limit of open files: %w", err)
	}
	if limit.Max < uint64(wanted) {
		return fmt.Errorf("%d open files are needed, and the hard limit is %d (ulimit -n)", wanted, limit.Max)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("raise the limit of open files: %w", err)
	}
	return nil
}

func checkHealth(ctx context.Context, s *service, lasts time.Duration) load.SteadyResult {
	return load.Steady{
		PerSecond: checkRate, Duration: lasts, Connections: 4,
		Request: func(ctx context.Context, _ int) (*http.Request, error) {
			return http.NewRequestWithContext(ctx, http.MethodGet, s.url("/healthcheck"), http.NoBody)
		},
	}.Run(ctx)
}
