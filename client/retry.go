package client

import (
	"context"
	"errors"
	"time"
)

// outage counts consecutive failures, since the service last responded.
type outage struct {
	failures int
	began    time.Time
}

// retry pauses before the next attempt after a temporary failure. It returns err when a
// retry cannot help or the outage is too long, and ctx's error when ctx ends first.
func (c *Client) retry(ctx context.Context, o *outage, err error) error {
	if !isTemporary(err) || o.failures > 0 && time.Since(o.began) > c.limits.outage {
		return err
	}
	if o.failures == 0 {
		o.began = time.Now()
	}
	o.failures++
	return c.pause(ctx, o.failures, retryAfter(err))
}

// isTemporary reports whether the same request may succeed later.
func isTemporary(err error) bool {
	return errors.Is(err, ErrUnreachable) || ErrorCode(err).IsTemporary()
}

// retryAfter returns the service's advice for a pause, 0 if there is none.
func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// pause waits as long as advised; without advice, twice as long after each attempt. It
// returns ctx's error when ctx ends first.
func (c *Client) pause(ctx context.Context, attempt int, advice time.Duration) error {
	timer := time.NewTimer(min(max(advice, c.limits.pause<<min(attempt, 6)), maxPause))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
