package store

import (
	"fmt"
	"time"

	"lsapi"
)

// clock relates the record's clock to this process's. Decisions go by ages on the
// record's clock, so that the clocks of replicas are never compared.
type clock struct {
	now time.Time // on the record's clock
	// before and after are on this process's clock, with its monotonic reading:
	// between them the record's was read.
	before, after time.Time
}

// ownClock is the clock of a record that one process has for itself.
func ownClock() clock {
	now := time.Now()
	return clock{now: now, before: now, after: now}
}

// toRecord converts a time of this process's clock. The result may be later than it
// was by the time that reading the clocks took, and is never to come.
func (c clock) toRecord(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return exact(earliest(c.now, c.now.Add(t.Sub(c.before))))
}

// toLocal converts a time of the record's clock. The result may be later than it
// was by the time that reading the clocks took, and is never to come.
func (c clock) toLocal(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return c.after.Add(min(0, t.Sub(c.now)))
}

// label converts a time that a replica labels an event with, unless the clocks agree
// but for the time that comparing them takes.
func (c clock) label(t time.Time) time.Time {
	if ahead := c.before.Sub(c.now); ahead > -sameClock && ahead < sameClock || t.IsZero() {
		return t
	}
	return c.now.Add(t.Sub(c.before))
}

// accepts refuses a change that was asked for by a clock that is too far ahead.
func (c clock) accepts(id string) error {
	parsed, _ := changeID(id) // which has been checked
	ahead := intendedAt(parsed).Sub(c.now)
	if ahead <= lsapi.ClockTolerance {
		return nil
	}
	return &lsapi.Error{
		Code: lsapi.CodeUnavailable, RetryAfter: lsapi.ClockTolerance,
		Message: fmt.Sprintf("the clock of this replica is %s ahead of that of the record of changes", ahead.Round(time.Second)),
	}
}
