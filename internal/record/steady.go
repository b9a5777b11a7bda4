package record

import (
	"sync"
	"time"
)

// steadyClock is a clock that may be wrong, held to the pace of this process's
// monotonic one: a jump forward has no effect, because time has not really passed. A
// jump back has its effect only as long as it lasts.
type steadyClock struct {
	mu    sync.Mutex
	base  time.Time // what the clock read when it was first believed
	began time.Time // when that was, on the monotonic clock
}

// start believes a reading. Later ones are held to it.
func (c *steadyClock) start(base time.Time) (first bool) {
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
func (c *steadyClock) at(now time.Time) time.Time {
	c.start(now)
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
