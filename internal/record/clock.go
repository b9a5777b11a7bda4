package record

import (
	"fmt"
	"time"

	"lsapi"
)

// clock relates the clocks of a record to this process's. Decisions go by ages on the
// record's clock, so that the clocks of replicas are never compared.
type clock struct {
	now time.Time // on the record's clock
	// labels is now on the clock by which events are labelled: the database's, or the
	// wall clock for a record in a file.
	labels time.Time
	// before and after are on this process's clock, with its monotonic reading:
	// between them the record's was read.
	before, after time.Time
}

// databaseClock is the clock of a database, which also labels.
func databaseClock(now, before, after time.Time) clock {
	now = now.UTC()
	return clock{now: now, labels: now, before: before, after: after}
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

// toLabel converts a time of the record's clock to one of the clock that labels.
func (c clock) toLabel(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return exact(c.labels.Add(t.Sub(c.now)))
}

// label converts a time that a replica labels an event with, unless the clocks agree
// but for the time that comparing them takes.
func (c clock) label(t time.Time) time.Time {
	if ahead := c.before.Sub(c.labels); ahead > -sameClock && ahead < sameClock || t.IsZero() {
		return t
	}
	return c.labels.Add(t.Sub(c.before))
}

// accepts refuses a change that was asked for by a clock that is too far ahead.
func (c clock) accepts(id string) error {
	parsed, _ := changeID(id) // which has been checked
	ahead := intendedAt(parsed).Sub(c.labels)
	if ahead <= lsapi.ClockTolerance {
		return nil
	}
	return &lsapi.Error{
		Code: lsapi.CodeUnavailable, RetryAfter: lsapi.ClockTolerance,
		Message: fmt.Sprintf("the clock of this replica is %s ahead of that of the record of changes", ahead.Round(time.Second)),
	}
}
