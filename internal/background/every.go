package background

import (
	"context"
	"time"
)

// Every calls f at intervals until ctx ends. It skips calls while f takes longer than the
// interval.
func Every(ctx context.Context, interval time.Duration, f func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			f()
		case <-ctx.Done():
			return
		}
	}
}
