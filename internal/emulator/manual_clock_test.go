package emulator

import (
	"context"
	"sync"
	"time"
)

// ManualClock is a Clock that moves only when it is told to, for tests.
// It is safe for concurrent use.
type ManualClock struct {
	mu       sync.Mutex
	now      time.Time
	sleepers map[*sleeper]struct{}
	changed  chan struct{} // closed, and replaced, whenever a sleeper comes or goes
}

type sleeper struct {
	until time.Time
	awake chan struct{}
}

// NewManualClock returns a clock that stands at now.
func NewManualClock(now time.Time) *ManualClock {
	return &ManualClock{
		now:      now,
		sleepers: map[*sleeper]struct{}{},
		changed:  make(chan struct{}),
	}
}

// Now returns the time that the clock was last moved to.
func (c *ManualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock forward by d and wakes everyone whose sleep is over.
func (c *ManualClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for s := range c.sleepers {
		if !s.until.After(c.now) {
			close(s.awake)
			c.remove(s)
		}
	}
}

// Sleep returns when the clock has been advanced by d, or ctx ends.
func (c *ManualClock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	s := c.add(d)
	select {
	case <-s.awake:
		return nil
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		c.remove(s)
		return ctx.Err()
	}
}

// AwaitSleepers returns once at least n goroutines are asleep, so that a test
// can advance the clock knowing whom it wakes; or ctx's error when ctx ends.
func (c *ManualClock) AwaitSleepers(ctx context.Context, n int) error {
	for {
		c.mu.Lock()
		asleep, changed := len(c.sleepers), c.changed
		c.mu.Unlock()
		if asleep >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *ManualClock) add(d time.Duration) *sleeper {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &sleeper{until: c.now.Add(d), awake: make(chan struct{})}
	c.sleepers[s] = struct{}{}
	c.announce()
	return s
}

func (c *ManualClock) remove(s *sleeper) {
	delete(c.sleepers, s)
	c.announce()
}

func (c *ManualClock) announce() {
	close(c.changed)
	c.changed = make(chan struct{})
}
