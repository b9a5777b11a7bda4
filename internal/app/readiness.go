package app

import (
	"context"
	"time"

	"lsapi"
	"lsapi/internal/background"
	"lsapi/internal/clock"
	"lsapi/internal/cloud"
	"lsapi/internal/telemetry"
)

// check is one condition of readiness.
type check struct {
	name string // the value of a label
	run  func(context.Context) error
}

// readyTimeout bounds a check for the metrics.
const readyTimeout = time.Second

// readiness returns what keeps the service from serving reads and writes, and shows
// each check as a metric.
func readiness(metrics *telemetry.Metrics, checks []check) func(context.Context) error {
	for _, c := range checks {
		metrics.Gauge("lsapi_ready", "1 while a condition of /readyz holds.", func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
			defer cancel()
			return one(c.run(ctx) == nil)
		}, "check", c.name)
	}
	return func(ctx context.Context) error {
		for _, c := range checks {
			if err := c.run(ctx); err != nil {
				missing := *lsapi.AsError(err)
				missing.Code = lsapi.CodeUnavailable
				return &missing
			}
		}
		return nil
	}
}

// unbounded is a check that does not wait.
func unbounded(run func() error) func(context.Context) error {
	return func(context.Context) error { return run() }
}

// startPreflight reports in the log when no AWS credentials can be had, and asks AWS
// again while it denies or does not answer, so that readiness heals without a
// reader.
func (a *App) startPreflight(aws *cloud.Client, available *cloud.Availability, clocks *clock.Monitor) {
	work := background.New()
	work.Go(func(ctx context.Context) {
		if err := aws.CheckCredentials(ctx); err != nil && ctx.Err() == nil {
			available.NoCredentials()
			a.log.Error("no AWS credentials can be had", "error", err)
		}
		every(ctx, compareEvery, func() {
			if available.ReadsFail() || clocks.Wrong(awsClock) {
				probe(ctx, aws)
			}
		})
	})
	a.started("questions whether AWS answers", work.Close)
}

// probe makes a call whose verdict available and clocks receive; the error is theirs.
func probe(ctx context.Context, aws *cloud.Client) {
	ctx, cancel := context.WithTimeout(ctx, 2*compareTimeout)
	defer cancel()
	_ = aws.Probe(ctx)
}
