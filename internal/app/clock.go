package app

import (
	"context"
	"time"

	"golang.org/x/sync/singleflight"

	"lsapi"
	"lsapi/internal/background"
	"lsapi/internal/clock"
	"lsapi/internal/record"
	"lsapi/internal/telemetry"
)

// The reference clocks.
const (
	databaseClock = "database"
	awsClock      = "aws"
)

const (
	// compareEvery is the interval of comparisons with the database's clock, and of
	// probes of AWS while it is unreadable or its clock differs.
	compareEvery = 10 * time.Second
	// compareTimeout bounds one comparison.
	compareTimeout = 5 * time.Second
)

// sharedClock is a record whose database has a clock.
type sharedClock interface {
	Clock(ctx context.Context) (time.Time, error)
}

func (a *App) newClocks(shared bool, metrics *telemetry.Metrics) *clock.Monitor {
	sources := []string{awsClock}
	if shared {
		sources = append(sources, databaseClock)
	}
	monitor := clock.NewMonitor(a.log, sources...)
	for _, source := range sources {
		metrics.OptionalGauge("lsapi_clock_offset_seconds", "Minimum offset of this machine's clock from the reference clock, negative if behind; 0 within the precision of the comparison. Absent before the first comparison.",
			func() (float64, bool) {
				offset, ok := monitor.Offset(source)
				return offset.Certain().Seconds(), ok
			}, "source", source)
	}
	return monitor
}

// startClock compares this machine's clock with the record's periodically, if that has
// one. It returns a function that makes one comparison.
func (a *App) startClock(ctx context.Context, record record.Store, monitor *clock.Monitor, aws clients) (compare func(context.Context)) {
	shared, ok := record.(sharedClock)
	if !ok {
		return aws.probe
	}
	compare = func(ctx context.Context) { compareClocks(ctx, shared, monitor) }
	compare(ctx) // before the first change
	work := background.New()
	work.Go(func(ctx context.Context) {
		background.Every(ctx, compareEvery, func() { compare(ctx) })
	})
	a.started("clock comparison", work.Close)
	return compare
}

// compareClocks ignores an unreachable database: changes are impossible then, too.
func compareClocks(ctx context.Context, shared sharedClock, monitor *clock.Monitor) {
	ctx, cancel := context.WithTimeout(ctx, compareTimeout)
	defer cancel()
	began := time.Now()
	now, err := shared.Clock(ctx)
	if err != nil {
		return
	}
	received := time.Now()
	monitor.Observe(databaseClock, clock.Reading{Time: now, Received: received, Took: received.Sub(began)})
}

// clockedMembership rejects changes while the clock is wrong, because the record would
// store wrong times.
type clockedMembership struct {
	lanes   lanes
	clocks  *clock.Monitor
	compare func(ctx context.Context)
	first   singleflight.Group
}

// lanes make changes, as membership.Service does.
type lanes interface {
	Change(ctx context.Context, req lsapi.Request) (lsapi.Result, error)
	ChangeAll(ctx context.Context, bulk lsapi.Bulk) (lsapi.BulkResult, error)
}

// Change makes one change.
func (m *clockedMembership) Change(ctx context.Context, req lsapi.Request) (lsapi.Result, error) {
	if err := m.check(ctx); err != nil {
		return lsapi.Result{}, err
	}
	return m.lanes.Change(ctx, req)
}

// ChangeAll makes the changes of a bulk.
func (m *clockedMembership) ChangeAll(ctx context.Context, bulk lsapi.Bulk) (lsapi.BulkResult, error) {
	if err := m.check(ctx); err != nil {
		return lsapi.BulkResult{}, err
	}
	return m.lanes.ChangeAll(ctx, bulk)
}

// check returns an error while the clock is wrong.
func (m *clockedMembership) check(ctx context.Context) error {
	m.awaitComparison(ctx)
	return m.clocks.Check()
}

// awaitComparison waits for the first comparison of clocks, or for an attempt to make it
// that fails. All changes that wait share one attempt, which may be a call to AWS.
func (m *clockedMembership) awaitComparison(ctx context.Context) {
	select {
	case <-m.clocks.Compared():
		return
	default:
	}
	attempt := m.first.DoChan("", func() (any, error) {
		m.compare(context.WithoutCancel(ctx))
		return nil, nil
	})
	select {
	case <-m.clocks.Compared():
	case <-attempt:
	case <-ctx.Done():
	}
}
