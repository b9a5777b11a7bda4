package health

import (
	"context"
	"time"

	"lsapi"
)

// balancer is a load balancer that is polled, or was recently. Its goroutine ends when
// no caller needs it and its report has expired. Poller.mu guards its mutable fields.
type balancer struct {
	poller *Poller
	pool   lsapi.PoolID
	woken  chan struct{} // holds one: the demand has changed

	plain     int                // Followers of the whole load balancer
	plainFrom time.Time          // of the first of them
	drainers  map[*Follower]bool // Followers of one instance
	queries   map[*query]bool
	listed    bool      // all load balancers are watched, and this one exists
	watchFrom time.Time // the earliest poll for watchers

	report    lsapi.HealthReport // the latest; its AsOf is zero before the first
	foreign   bool               // the report is another replica's
	completed time.Time          // AsOf of the last foreign report with lookups of our own
	changed   chan struct{}      // closed and replaced by each report or failure
	gone      error              // why there are no more reports

	began    time.Time // of the latest poll, here or on another replica
	claimAt  time.Time // the earliest claim; another replica has claimed until then
	failures int       // in a row
	retryAt  time.Time // the earliest try after failures
	failure  error     // of the latest poll; nil if it succeeded
	failedAt time.Time

	absent map[lsapi.MemberID]time.Time // instances without health, and since when
	class  class                        // under which its load is counted
	cost   int                          // requests per poll
}

// class is why a load balancer is polled.
type class int

const (
	idle class = iota
	hot
	watched
	followed
	removed
	classes
)

// load counts the load balancers of a class, and their requests per round of polls.
type load struct{ balancers, requests int }

// balancer returns the balancer of a pool, and creates it if needed. The caller holds mu.
func (p *Poller) balancer(pool lsapi.PoolID) (*balancer, error) {
	if b := p.balancers[pool]; b != nil {
		return b, nil
	}
	switch {
	case p.closing:
		return nil, errStopping()
	case len(p.balancers) >= maxBalancers:
		return nil, errTooMany()
	}
	b := &balancer{
		poller: p, pool: pool, woken: make(chan struct{}, 1),
		drainers: make(map[*Follower]bool), queries: make(map[*query]bool),
		changed: make(chan struct{}), absent: make(map[lsapi.MemberID]time.Time), cost: 1,
	}
	if !p.work.Go(func(context.Context) { b.run() }) {
		return nil, errStopping()
	}
	p.balancers[pool] = b
	p.load[idle].balancers++
	p.load[idle].requests += b.cost
	return b, nil
}

func (b *balancer) run() {
	for {
		wait, more := b.next()
		switch {
		case !more:
			return
		case wait > 0:
			b.sleep(wait)
		default:
			b.step()
		}
	}
}

// next returns the time until the next step; more is false at the end.
func (b *balancer) next() (wait time.Duration, more bool) {
	b.poller.mu.Lock()
	defer b.poller.mu.Unlock()
	if b.gone != nil {
		return 0, false
	}
	now := time.Now()
	at, _, wanted := b.due(now)
	if wanted {
		return min(max(0, at.Sub(now)), watchEvery), true // the interval may have become shorter by then
	}
	if wait = later(b.report.AsOf.Add(keepReport), b.retryAt).Sub(now); wait > 0 {
		return wait, true
	}
	b.remove()
	return 0, false
}

func (b *balancer) sleep(wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.woken:
	case <-b.poller.base.Done():
	}
}

// due returns the time of the next step and the poll interval of the caller that needs
// it first. The caller holds mu.
func (b *balancer) due(now time.Time) (at time.Time, every time.Duration, wanted bool) {
	follow, watch := b.poller.pace()
	want := func(from time.Time, interval time.Duration) {
		from = later(later(from, b.began.Add(interval)), now)
		switch {
		case !wanted || from.Before(at):
			at, every, wanted = from, interval, true
		case from.Equal(at):
			every = min(every, interval)
		}
	}
	if b.plain > 0 {
		want(b.plainFrom, follow)
	}
	for f := range b.drainers {
		want(f.from, follow)
	}
	for q := range b.queries {
		if _, news, _ := b.answerNow(q); news != nil {
			want(q.at, min(follow, q.maxAge))
		}
	}
	if b.isWatched() {
		want(b.watchFrom, watch)
	}
	if b.poller.hot[b.pool] {
		want(time.Time{}, b.poller.hotEvery)
	}
	at = later(at, b.claimAt)
	if len(b.unreported(now)) > 0 {
		at = now
	}
	return later(at, b.retryAt), every, wanted
}

// pace returns the intervals of polls for followers and for watchers, stretched so that
// all polls together stay within PerSecond. The caller holds mu.
func (p *Poller) pace() (follow, watch time.Duration) {
	perSecond := max(p.o.PerSecond(), 0.01)
	stretched := func(c class, share float64) time.Duration {
		return time.Duration(float64(p.load[c].requests) / (perSecond * share) * float64(time.Second))
	}
	return max(followEvery, stretched(followed, followShare)), max(watchEvery, stretched(watched, 1-followShare))
}

// isWatched reports whether its events are watched. The caller holds mu.
func (b *balancer) isWatched() bool {
	return b.poller.watched[b.pool] > 0 || b.listed
}

// recount updates the loads after a change of demand or cost. The caller holds mu.
func (b *balancer) recount(cost int) {
	load := &b.poller.load
	load[b.class].balancers--
	load[b.class].requests -= b.cost
	b.cost = cost
	switch {
	case b.gone != nil:
		b.class = removed
	case b.isFollowed():
		b.class = followed
	case b.isWatched():
		b.class = watched
	case b.poller.hot[b.pool]:
		b.class = hot
	default:
		b.class = idle
	}
	load[b.class].balancers++
	load[b.class].requests += b.cost
}

// isFollowed reports whether it has followers. The caller holds mu.
func (b *balancer) isFollowed() bool { return b.plain+len(b.drainers) > 0 }

// wake makes it look at the demand again. The caller holds mu.
func (b *balancer) wake() {
	b.recount(b.cost)
	signal(b.woken)
}

// notify wakes the waiting callers. The caller holds mu.
func (b *balancer) notify() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// end fails all waits, now and later. The caller holds mu.
func (b *balancer) end(why error) {
	if b.gone != nil {
		return
	}
	b.gone = why
	b.remove()
	b.notify()
}

// remove removes it from the Poller. The caller holds mu.
func (b *balancer) remove() {
	b.recount(b.cost)
	delete(b.poller.balancers, b.pool)
}
