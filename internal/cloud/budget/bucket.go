package budget

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Stats are the statistics of a category. Counters start at 0 with the process.
type Stats struct {
	Category Category
	// Tokens is how many requests may be sent at once now.
	Tokens float64
	// Waiting is how many attempts wait for a token now.
	Waiting int
	// Attempts counts the attempts that got a token, retries included.
	Attempts uint64
	// Waits counts the attempts that had to wait, GivenUp those of them that ended without
	// a token.
	Waits, GivenUp uint64
	// Waited is the total time of all finished waits.
	Waited time.Duration
	// Throttles counts the attempts that AWS throttled although they had a token.
	Throttles uint64
}

// bucket is the token bucket of a category, with a queue by priority. (rate.Limiter alone
// serves in order of arrival.)
type bucket struct {
	category Category
	size     Size // undivided
	limiter  *rate.Limiter

	mu    sync.Mutex
	queue queue
	timer *time.Timer // fires at the next token while tickets wait
	stats Stats
}

func newBucket(category Category, size Size) *bucket {
	return &bucket{
		category: category,
		size:     size,
		limiter:  rate.NewLimiter(rate.Limit(size.PerSecond), size.Burst),
		stats:    Stats{Category: category},
	}
}

// take takes a token, and waits for it until ctx ends. Then it takes none, and returns a
// *WaitError. The SDK makes no attempt with an ended context, so take does not check it
// first.
func (b *bucket) take(ctx context.Context) error {
	t := b.enter(ctx)
	if t == nil {
		return nil
	}
	start := time.Now()
	select {
	case <-t.admitted:
	case <-ctx.Done():
	}
	waited, err := time.Since(start), ctx.Err()
	if err == nil {
		b.countAttempt(waited)
		return nil
	}
	b.leave(t, waited)
	return &WaitError{Category: b.category, Waited: waited, Err: err}
}

// enter takes a token and returns nil, or returns a ticket in the queue.
func (b *bucket) enter(ctx context.Context) *ticket {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queue.len() == 0 && b.takeToken() == 0 {
		b.stats.Attempts++
		return nil
	}
	t := newTicket(PriorityOf(ctx))
	b.queue.add(t)
	b.stats.Waits++
	b.serveLocked()
	return t
}

// countAttempt counts a ticket that got its token.
func (b *bucket) countAttempt(waited time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.Attempts++
	b.stats.Waited += waited
}

// leave ends a wait without a token. A token that arrived at the same moment goes to the
// next ticket, or is lost.
func (b *bucket) leave(t *ticket, waited time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.GivenUp++
	b.stats.Waited += waited
	if !b.queue.remove(t) && b.queue.len() > 0 {
		close(b.queue.next().admitted)
	}
}

func (b *bucket) serve() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.serveLocked()
}

// serveLocked gives the available tokens to the tickets, and sets the timer if some still
// wait.
func (b *bucket) serveLocked() {
	for b.queue.len() > 0 {
		wait := b.takeToken()
		switch {
		case wait == 0:
			close(b.queue.next().admitted)
			continue
		case b.timer == nil:
			b.timer = time.AfterFunc(wait, b.serve)
		default:
			b.timer.Reset(wait)
		}
		return
	}
}

// takeToken takes a token and returns 0, or returns the time until the next one. The
// caller holds mu, so that no other caller meets the reservation that is cancelled.
func (b *bucket) takeToken() time.Duration {
	now := time.Now()
	reservation := b.limiter.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}

// empty removes all whole tokens, because AWS's own bucket is empty.
func (b *bucket) empty() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.Throttles++
	now := time.Now()
	b.limiter.AllowN(now, int(b.limiter.TokensAt(now)))
}

// divide sets the bucket to an equal share of its size, of one token at least.
func (b *bucket) divide(shares int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.limiter.SetLimitAt(now, rate.Limit(b.size.PerSecond/float64(shares)))
	b.limiter.SetBurstAt(now, max(1, b.size.Burst/shares))
	b.serveLocked()
}

func (b *bucket) snapshot() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	stats := b.stats
	stats.Tokens = max(0, b.limiter.Tokens()) // the limiter admits up to a nanosecond early
	stats.Waiting = b.queue.len()
	return stats
}
