package emulator

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"lsapi/internal/emulator/wire"
)

// throttle holds the state of the token buckets.
type throttle struct {
	mu       sync.Mutex
	limiters map[limiterKey]*rate.Limiter
}

type limiterKey struct {
	bucket wire.Bucket
	action string // empty for a bucket that actions share
}

func newThrottle() *throttle { return &throttle{limiters: map[limiterKey]*rate.Limiter{}} }

// allow takes a token for an action, and reports whether there was one.
func (t *throttle) allow(b wire.Bucket, action string, now time.Time) bool {
	if b == (wire.Bucket{}) {
		return true
	}
	key := limiterKey{bucket: b}
	if b.PerAction {
		key.action = action
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.limiters[key] == nil {
		t.limiters[key] = rate.NewLimiter(rate.Limit(b.PerSecond), b.Size)
	}
	return t.limiters[key].AllowN(now, 1)
}
