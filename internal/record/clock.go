package record

import (
	"fmt"
	"sync"
	"time"

	"lsapi"
)

// Clock relates the record's clock to this process's. Ages are measured by the record's
// clock, so that the clocks of replicas are never compared.
type Clock struct {
	Now time.Time // by the record's clock
	// Labels is now by the clock that labels events: the database's, or the wall clock for
	// a record in a file.
	Labels time.Time
	// Before and After are this process's readings around that of the record's clock.
	Before, After time.Time
}

// DatabaseClock returns the clock of a database, which also labels.
func DatabaseClock(now, before, after time.Time) Clock {
	now = now.UTC()
	return Clock{Now: now, Labels: now, Before: before, After: after}
}

// toRecord converts a time of this process's clock to the record's. It may be late by the
// duration of the reading, and is never in the future.
func (c Clock) toRecord(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return Exact(earliest(c.Now, c.Now.Add(t.Sub(c.Before))))
}

// toLocal converts a time of the record's clock to this process's. It may be late by the
// duration of the reading, and is never in the future.
func (c Clock) toLocal(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return c.After.Add(min(0, t.Sub(c.Now)))
}

// toLabel converts a time of the record's clock to the clock that labels.
func (c Clock) toLabel(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return Exact(c.Labels.Add(t.Sub(c.Now)))
}

// label converts a replica's label to the clock that labels, unless the two agree within
// the duration of a comparison.
func (c Clock) label(t time.Time) time.Time {
	if ahead := c.Before.Sub(c.Labels); t.IsZero() || ahead.Abs() < sameClock {
		return t
	}
	return c.Labels.Add(t.Sub(c.Before))
}

// accepts returns an error for the id of a change from a clock that is too far ahead.
func (c Clock) accepts(id string) error {
	parsed, _ := ParseID(id) // which is valid
	ahead := IntendedAt(parsed).Sub(c.Labels)
	if ahead <= lsapi.ClockTolerance {
		return nil
	}
	return &lsapi.Error{
		Code: lsapi.CodeUnavailable, RetryAfter: lsapi.ClockTolerance,
		Message: fmt.Sprintf("the clock of this replica is %s ahead of that of the record of changes", ahead.Round(time.Second)),
	}
}

// SteadyClock holds a clock that may be wrong to the pace of the monotonic clock: a jump
// forward has no effect, and a jump back only while it lasts.
type SteadyClock struct {
	mu    sync.Mutex
	base  time.Time // the first reading
	began time.Time // its monotonic time
}

// Start sets the first reading, once.
func (c *SteadyClock) Start(base time.Time) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.base.IsZero() {
		return false
	}
	c.base, c.began = base, time.Now()
	return true
}

// At returns the steady time for a reading: no later than the time that has passed since
// the first reading allows.
func (c *SteadyClock) At(now time.Time) time.Time {
	c.Start(now)
	c.mu.Lock()
	defer c.mu.Unlock()
	return earliest(now, c.base.Add(time.Since(c.began)))
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Latest returns the later time.
func Latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
