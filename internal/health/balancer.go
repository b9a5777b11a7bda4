package health

import (
	"context"
	"time"

	"lsapi"
)

// balancer is a load balancer that is polled, or was a moment ago. Its goroutine
// ends when nobody wants to know of it any more and its report is old. All of it is
// guarded by Poller.mu but what never changes.
type balancer struct {
	poller *Poller
	name   string
	wake   chan struct{} // holds one: something is wanted

	plain     int                // Followers that are not about an instance
	plainFrom time.Time          // since when there are some
	drainers  map[*Follower]bool // those that are
	asks      map[*ask]bool
	listed    bool      // all are watched, and it is among the names
	watchFrom time.Time // it is not polled before that because it is watched

	report    lsapi.HealthReport // the last; none yet if its AsOf is zero
	foreign   bool               // it is another process's
	completed time.Time          // the AsOf of the last of those that was completed
	changed   chan struct{}      // closed and replaced when there is news for those who wait
	gone      error              // why there are no more reports

	began    time.Time // when the last poll here or the last report's asking began
	claimAt  time.Time // before that, another process has the right to poll
	failures int       // in a row
	retryAt  time.Time // before that, it is not tried again
	failure  error     // of the last poll; nil when it succeeded
	failedAt time.Time

	silent map[string]time.Time // of whom it said nothing, and when
	class  class                // as it is counted
	cost   int                  // requests that a poll takes
}

// class is why a load balancer is polled.
type class int

const (
	idle class = iota
	watched
	followed
	removed
	classes
)

// load is what the load balancers of a class cost.
type load struct{ balancers, requests int }

// balancer returns the load balancer's, which it makes if there is none; an error
// when it cannot. The caller holds mu.
func (p *Poller) balancer(name string) (*balancer, error) {
	if b := p.balancers[name]; b != nil {
		return b, nil
	}
	switch {
	case p.closing:
		return nil, errStopping()
	case len(p.balancers) >= maxBalancers:
		return nil, errTooMany()
	}
	b := &balancer{
		poller: p, name: name, wake: make(chan struct{}, 1),
		drainers: make(map[*Follower]bool), asks: make(map[*ask]bool),
		changed: make(chan struct{}), silent: make(map[string]time.Time), cost: 1,
	}
	if !p.work.Go(func(context.Context) { b.run() }) {
		return nil, errStopping()
	}
	p.balancers[name] = b
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

// next returns for how long nothing is due; more is false when it has ended.
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
	case <-b.wake:
	case <-b.poller.base.Done():
	}
}

// due returns when something is to be done for those who want reports, and how
// often those want one for whom it is to be done. The caller holds mu.
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
	for a := range b.asks {
		if _, news, _ := b.answerNow(a); news != nil {
			want(a.at, min(follow, a.maxAge))
		}
	}
	if b.isWatched() {
		want(b.watchFrom, watch)
	}
	at = later(at, b.claimAt)
	if len(b.unheard(now)) > 0 {
		at = now
	}
	return later(at, b.retryAt), every, wanted
}

// pace returns the intervals for those who follow and those who watch: longer than
// they should be when all load balancers together would take too many requests.
// The caller holds mu.
func (p *Poller) pace() (follow, watch time.Duration) {
	perSecond := max(p.o.PerSecond(), 0.01)
	stretched := func(c class, share float64) time.Duration {
		return time.Duration(float64(p.load[c].requests) / (perSecond * share) * float64(time.Second))
	}
	return max(followEvery, stretched(followed, followShare)), max(watchEvery, stretched(watched, 1-followShare))
}

// isWatched reports whether somebody watches its events. The caller holds mu.
func (b *balancer) isWatched() bool {
	return b.poller.watched[b.name] > 0 || b.listed
}

// recount counts it anew, after what is wanted of it or its cost has changed. The
// caller holds mu.
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
	default:
		b.class = idle
	}
	load[b.class].balancers++
	load[b.class].requests += b.cost
}

// isFollowed reports whether somebody follows it. The caller holds mu.
func (b *balancer) isFollowed() bool { return b.plain+len(b.drainers) > 0 }

// hurry makes it look at what is wanted now. The caller holds mu.
func (b *balancer) hurry() {
	b.recount(b.cost)
	signal(b.wake)
}

// tell wakes those who wait. The caller holds mu.
func (b *balancer) tell() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// end tells those who wait that there are no more reports, and why. The caller
// holds mu.
func (b *balancer) end(why error) {
	if b.gone != nil {
		return
	}
	b.gone = why
	b.remove()
	b.tell()
}

// remove forgets it. The caller holds mu.
func (b *balancer) remove() {
	b.recount(b.cost)
	delete(b.poller.balancers, b.name)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
