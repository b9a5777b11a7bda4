package record

import (
	"fmt"
	"time"

	"lsapi"
)

// clock relates the clocks of a record to this process's. Decisions go by ages on the
// record's clock, so that the clocks of replicas are never compared.
type Clock struct {
	Now time.Time // on the record's clock
	// labels is now on the clock by which events are labelled: the database's, or the
	// wall clock for a record in a file.
	Labels time.Time
	// before and after are on this process's clock, with its monotonic reading:
	// between them the record's was read.
	Before, After time.Time
}

// databaseClock is the clock of a database, which also labels.
func DatabaseClock(now, before, after time.Time) Clock {
	now = now.UTC()
	return Clock{Now: now, Labels: now, Before: before, After: after}
}

// toRecord converts a time of this process's clock. The result may be later than it
// was by the time that reading the clocks took, and is never to come.
func (c Clock) toRecord(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return Exact(earliest(c.Now, c.Now.Add(t.Sub(c.Before))))
}

// toLocal converts a time of the record's clock. The result may be later than it
// was by the time that reading the clocks took, and is never to come.
func (c Clock) toLocal(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return c.After.Add(min(0, t.Sub(c.Now)))
}

// toLabel converts a time of the record's clock to one of the clock that labels.
func (c Clock) toLabel(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return Exact(c.Labels.Add(t.Sub(c.Now)))
}

// label converts a time that a replica labels an event with, unless the clocks agree
// but for the time that comparing them takes.
func (c Clock) label(t time.Time) time.Time {
	if ahead := c.Before.Sub(c.Labels); ahead > -sameClock && ahead < sameClock || t.IsZero() {
		return t
	}
	return c.Labels.Add(t.Sub(c.Before))
}

// accepts refuses a change that was asked for by a clock that is too far ahead.
func (c Clock) accepts(id string) error {
	parsed, _ := ParseID(id) // which has been checked
	ahead := IntendedAt(parsed).Sub(c.Labels)
	if ahead <= lsapi.ClockTolerance {
		return nil
	}
	return &lsapi.Error{
		Code: lsapi.CodeUnavailable, RetryAfter: lsapi.ClockTolerance,
		Message: fmt.Sprintf("the clock of this replica is %s ahead of that of the record of changes", ahead.Round(time.Second)),
	}
}
