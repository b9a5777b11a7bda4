package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/clock"
)

// databaseOf is a database whose clock is ahead, or that is unreachable.
type databaseOf struct {
	ahead time.Duration
	err   error
}

func (d databaseOf) Clock(context.Context) (time.Time, error) { return time.Now().Add(d.ahead), d.err }

// counted counts changes.
type counted struct{ changes atomic.Int64 }

func (c *counted) Change(context.Context, lsapi.Request) (lsapi.Result, error) {
	c.changes.Add(1)
	return lsapi.Result{}, nil
}

func (c *counted) ChangeAll(context.Context, lsapi.Bulk) (lsapi.BulkResult, error) {
	c.changes.Add(1)
	return lsapi.BulkResult{}, nil
}

func TestChangesAreRejectedWhileDatabaseClockDiffers(t *testing.T) {
	monitor := clock.NewMonitor(slog.New(slog.DiscardHandler), databaseClock, awsClock)
	var members counted
	gate := &clockedMembership{lanes: &members, clocks: monitor, compare: func(ctx context.Context) {
		compareClocks(ctx, databaseOf{ahead: time.Hour}, monitor)
	}}
	for step, test := range []struct {
		database databaseOf
		code     lsapi.Code
	}{
		{databaseOf{ahead: time.Hour}, lsapi.CodeUnavailable},
		{databaseOf{err: errors.New("away")}, lsapi.CodeUnavailable}, // no new comparison
		{databaseOf{ahead: 2 * time.Second}, ""},
		{databaseOf{ahead: -time.Hour}, lsapi.CodeUnavailable},
		{databaseOf{}, ""},
	} {
		if step > 0 { // the first change makes the first comparison itself
			compareClocks(t.Context(), test.database, monitor)
		}
		before := members.changes.Load()
		_, err := gate.Change(t.Context(), lsapi.Request{})
		if lsapi.ErrorCode(err) != test.code || (members.changes.Load() > before) != (test.code == "") {
			t.Errorf("step %d: %v, and %d changes", step, err, members.changes.Load()-before)
		}
		before = members.changes.Load()
		_, err = gate.ChangeAll(t.Context(), lsapi.Bulk{})
		if lsapi.ErrorCode(err) != test.code || (members.changes.Load() > before) != (test.code == "") {
			t.Errorf("step %d: of a bulk %v, and %d changes", step, err, members.changes.Load()-before)
		}
	}
}

func TestFirstChangesShareOneComparisonAndAnyReadingEndsIt(t *testing.T) {
	for name, end := range map[string]func(monitor *clock.Monitor, compared chan struct{}){
		"a reading of another source": func(monitor *clock.Monitor, _ chan struct{}) {
			now := time.Now()
			monitor.Observe(awsClock, clock.Reading{Time: now, Received: now})
		},
		"an attempt that fails": func(_ *clock.Monitor, compared chan struct{}) { close(compared) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const changes = 100
				monitor := clock.NewMonitor(slog.New(slog.DiscardHandler), awsClock)
				compared := make(chan struct{})
				var comparisons, done atomic.Int64
				gate := &clockedMembership{lanes: &counted{}, clocks: monitor, compare: func(context.Context) {
					comparisons.Add(1)
					<-compared
				}}
				var callers sync.WaitGroup
				for range changes {
					callers.Go(func() {
						if _, err := gate.Change(t.Context(), lsapi.Request{}); err != nil {
							t.Error(err)
						}
						done.Add(1)
					})
				}
				left, leave := context.WithCancel(t.Context())
				leave()
				gate.awaitComparison(left)
				synctest.Wait()
				if comparisons.Load() != 1 || done.Load() != 0 {
					t.Errorf("%d comparisons, %d changes done; want 1 and 0", comparisons.Load(), done.Load())
				}
				end(monitor, compared)
				callers.Wait()
				select {
				case <-compared:
				default:
					close(compared)
				}
			})
		})
	}
}
