package emulator

import (
	"context"
	"time"
)

// Clock is the emulator's time. Everything that takes time in AWS (registering,
// draining, starting, buckets that refill, reads that lag) is computed from Now;
// Sleep is only for latency and for answers that a fault holds back.
type Clock interface {
	Now() time.Time
	// Sleep returns nil once d has passed, or ctx's error when ctx ends first.
	Sleep(ctx context.Context, d time.Duration) error
}

// systemClock is the clock of the machine.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
