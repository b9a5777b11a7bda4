package budget

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// bucket is the token bucket of one category with the queue in front of it,
// because rate.Limiter itself serves first come first served.
type bucket struct {
	category Category
	size     Size // of the whole allowance, however many divide it
	limiter  *rate.Limiter

	mu    sync.Mutex
	queue queue
	// timer is set for the next token while somebody waits. When it fires and
	// all have left meanwhile, it is not set again.
	timer *time.Timer
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

// take draws a token, and waits for it as long as ctx lets it. The error is a
// *WaitError, and then no token was drawn. The SDK makes no attempt of a call
// whose context has ended already, so take does not look at that again.
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
		b.pass(waited)
		return nil
	}
	b.leave(t, waited)
	return &WaitError{Category: b.category, Waited: waited, Err: err}
}

// enter draws a token if there is one to spare, and returns nil; else it returns
// a ticket in the queue.
func (b *bucket) enter(ctx context.Context) *ticket {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queue.len() == 0 && b.draw() == 0 {
		b.stats.Attempts++
		return nil
	}
	t := newTicket(PurposeOf(ctx))
	b.queue.add(t)
	b.stats.Waits++
	b.serve()
	return t
}

// pass counts a ticket that got its token and goes on with it.
func (b *bucket) pass(waited time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.Attempts++
	b.stats.Waited += waited
}

// leave ends a wait without a token. One that came in the same moment goes to
// the next in the queue; if nobody is there it lapses, which errs on AWS's side.
func (b *bucket) leave(t *ticket, waited time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.GivenUp++
	b.stats.Waited += waited
	if !b.queue.remove(t) && b.queue.len() > 0 {
		close(b.queue.next().admitted)
	}
}

// onTimer runs when the token that somebody waits for is there.
func (b *bucket) onTimer() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.serve()
}

// serve hands out the tokens that there are to those whose turn it is, and sets
// the timer if somebody is left. b.mu must be held.
func (b *bucket) serve() {
	for b.queue.len() > 0 {
		if wait := b.draw(); wait > 0 {
			b.wakeIn(wait)
			return
		}
		close(b.queue.next().admitted)
	}
}

// draw takes a token and returns 0, or takes none and returns how long it is
// until there is one. b.mu must be held, so that nobody meets the reservation
// that asks for the time.
func (b *bucket) draw() time.Duration {
	now := time.Now()
	reservation := b.limiter.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}

func (b *bucket) wakeIn(wait time.Duration) {
	if b.timer == nil {
		b.timer = time.AfterFunc(wait, b.onTimer)
		return
	}
	b.timer.Reset(wait)
}

// drain empties the bucket, because AWS said that its own is empty. What is left
// is less than a token.
func (b *bucket) drain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.Throttles++
	now := time.Now()
	b.limiter.AllowN(now, int(b.limiter.TokensAt(now)))
}

// divide leaves the bucket one of so many equal shares of its size: at least one
// token, for without any nothing would go out. Who waits is served at the new
// rate.
func (b *bucket) divide(by int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.limiter.SetLimitAt(now, rate.Limit(b.size.PerSecond/float64(by)))
	b.limiter.SetBurstAt(now, max(1, b.size.Burst/by))
	b.serve()
}

// tokens returns what is in the bucket. The limiter lets a request go up to a
// nanosecond early, and is then a trifle below zero.
func (b *bucket) tokens() float64 { return max(0, b.limiter.Tokens()) }

func (b *bucket) snapshot() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	stats := b.stats
	stats.Tokens = b.tokens()
	stats.Waiting = b.queue.len()
	return stats
}
