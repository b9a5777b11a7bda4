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

// check is a condition of readiness.
type check struct {
	name string // the label value
	run  func(context.Context) error
}

// readyTimeout bounds a check for the metrics.
const readyTimeout = time.Second

// readiness returns a function that runs the checks and returns the first failure. It
// also registers a metric for each check.
func readiness(metrics *telemetry.Metrics, checks []check) func(context.Context) error {
	for _, c := range checks {
		metrics.Gauge("lsapi_ready", "1 while this check of /readyz passes.", func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
			defer cancel()
			return one(c.run(ctx) == nil)
		}, "check", c.name)
	}
	return func(ctx context.Context) error {
		for _, c := range checks {
			if err := c.run(ctx); err != nil {
				failure := *lsapi.AsError(err)
				failure.Code = lsapi.CodeUnavailable
				return &failure
			}
		}
		return nil
	}
}

// immediate adapts a check that does not block.
func immediate(run func() error) func(context.Context) error {
	return func(context.Context) error { return run() }
}

// startPreflight logs missing AWS credentials, and probes AWS while reads fail, so that
// readiness recovers without requests.
func (a *App) startPreflight(aws clients, available *cloud.Availability, clocks *clock.Monitor) {
	work := background.New()
	work.Go(func(ctx context.Context) {
		if err := aws.config.CheckCredentials(ctx); err != nil && ctx.Err() == nil {
			available.NoCredentials()
			a.log.Error("no AWS credentials found", "error", err)
		}
		background.Every(ctx, compareEvery, func() {
			if available.ReadsFail() || clocks.Wrong(awsClock) {
				aws.probe(ctx)
			}
		})
	})
	a.started("probes of AWS", work.Close)
}
