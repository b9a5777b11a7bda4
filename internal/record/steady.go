package record

import (
	"sync"
	"time"
)

// steadyClock is a clock that may be wrong, held to the pace of this process's
// monotonic one: a jump forward has no effect, because time has not really passed. A
// jump back has its effect only as long as it lasts.
type SteadyClock struct {
	mu    sync.Mutex
	base  time.Time // what the clock read when it was first believed
	began time.Time // when that was, on the monotonic clock
}

// start believes a reading. Later ones are held to it.
func (c *SteadyClock) Start(base time.Time) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.base.IsZero() {
		return false
	}
	c.base, c.began = base, time.Now()
	return true
}

// at returns the time when the clock reads now, but none to which the time since the
// first reading does not reach.
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
