package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/clock"
	"lsapi/internal/httpapi"
)

// databaseOf is a database whose clock is ahead, or that is unreachable.
type databaseOf struct {
	ahead time.Duration
	err   error
}

func (d databaseOf) Clock(context.Context) (time.Time, error) { return time.Now().Add(d.ahead), d.err }

// counted counts changes.
type counted struct {
	httpapi.Membership
	changes int
}

func (c *counted) Change(context.Context, lsapi.Request) (lsapi.Result, error) {
	c.changes++
	return lsapi.Result{}, nil
}

func TestChangesAreRejectedWhileDatabaseClockDiffers(t *testing.T) {
	monitor := clock.NewMonitor(slog.New(slog.DiscardHandler), databaseClock, awsClock)
	var members counted
	gate := clockedMembership{&members, monitor, func(ctx context.Context) { compareClocks(ctx, databaseOf{ahead: time.Hour}, monitor) }}
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
		before := members.changes
		_, err := gate.Change(t.Context(), lsapi.Request{})
		if lsapi.ErrorCode(err) != test.code || (members.changes > before) != (test.code == "") {
			t.Errorf("step %d: %v, and %d changes", step, err, members.changes-before)
		}
	}
}
