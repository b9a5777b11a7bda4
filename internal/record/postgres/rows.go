package postgres

import (
	"math"
	"time"
)

// toNullTime is a time as PostgreSQL has it, NULL for none.
func toNullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func fromNullTime(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func toNullInt(n *int) *int64 {
	if n == nil {
		return nil
	}
	return new(int64(*n))
}

func fromNullInt(n *int64) *int {
	if n == nil {
		return nil
	}
	return new(int(*n))
}

// whole is a time to compare with: PostgreSQL would round it to a microsecond, and
// knows none as old as Go's zero.
func whole(t time.Time) time.Time { return time.UnixMicro(max(t.UnixMicro(), 0)).UTC() }

// bound is a limit as a query takes it.
func bound(limit int) int32 { return int32(min(limit, math.MaxInt32)) } //nolint:gosec // it is within range
