package health

import (
	"context"
	"time"

	"lsapi"
)

// loop polls one pool. It ends when no caller needs it and its report has expired.
// Poller.mu guards its mutable fields.
type loop struct {
	poller *Poller
	pool   lsapi.PoolID
	woken  chan struct{} // holds one: the demand has changed

	plain     int                // Followers of the whole pool
	plainFrom time.Time          // of the first of them
	drainers  map[*Follower]bool // Followers of one member
	queries   map[*query]bool
	listed    bool      // all pools are watched, and this one exists
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

	absent map[lsapi.MemberID]time.Time // members without health, and since when
	class  class                        // under which its load is counted
	cost   int                          // requests per poll
}

// class is why a pool is polled.
type class int

const (
	idle class = iota
	hot
	watched
	followed
	removed
	classes
)

// load counts the pools of a class, and their requests per round of polls.
type load struct{ loops, requests int }

// loop returns the loop of a pool, and starts it if needed. The caller holds mu.
func (p *Poller) loop(pool lsapi.PoolID) (*loop, error) {
	if l := p.loops[pool]; l != nil {
		return l, nil
	}
	switch {
	case p.closing:
		return nil, errStopping()
	case len(p.loops) >= maxPools:
		return nil, errTooMany()
	}
	l := &loop{
		poller: p, pool: pool, woken: make(chan struct{}, 1),
		drainers: make(map[*Follower]bool), queries: make(map[*query]bool),
		changed: make(chan struct{}), absent: make(map[lsapi.MemberID]time.Time), cost: 1,
	}
	if !p.work.Go(func(context.Context) { l.run() }) {
		return nil, errStopping()
	}
	p.loops[pool] = l
	p.load[idle].loops++
	p.load[idle].requests += l.cost
	return l, nil
}

func (l *loop) run() {
	for {
		wait, more := l.next()
		switch {
		case !more:
			return
		case wait > 0:
			l.sleep(wait)
		default:
			l.step()
		}
	}
}

// next returns the time until the next step; more is false at the end.
func (l *loop) next() (wait time.Duration, more bool) {
	l.poller.mu.Lock()
	defer l.poller.mu.Unlock()
	if l.gone != nil {
		return 0, false
	}
	now := time.Now()
	at, _, wanted := l.due(now)
	if wanted {
		return min(max(0, at.Sub(now)), watchEvery), true // the interval may have become shorter by then
	}
	if wait = later(l.report.AsOf.Add(keepReport), l.retryAt).Sub(now); wait > 0 {
		return wait, true
	}
	l.remove()
	return 0, false
}

func (l *loop) sleep(wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.woken:
	case <-l.poller.base.Done():
	}
}

// due returns the time of the next step and the poll interval of the caller that needs
// it first. The caller holds mu.
func (l *loop) due(now time.Time) (at time.Time, every time.Duration, wanted bool) {
	follow, watch := l.poller.pace()
	want := func(from time.Time, interval time.Duration) {
		from = later(later(from, l.began.Add(interval)), now)
		switch {
		case !wanted || from.Before(at):
			at, every, wanted = from, interval, true
		case from.Equal(at):
			every = min(every, interval)
		}
	}
	if l.plain > 0 {
		want(l.plainFrom, follow)
	}
	for f := range l.drainers {
		want(f.from, follow)
	}
	for q := range l.queries {
		if _, news, _ := l.answerNow(q); news != nil {
			want(q.at, min(follow, q.maxAge))
		}
	}
	if l.isWatched() {
		want(l.watchFrom, watch)
	}
	if l.poller.hot[l.pool] {
		want(time.Time{}, l.poller.hotEvery)
	}
	at = later(at, l.claimAt)
	if len(l.unreported(now)) > 0 {
		at = now
	}
	return later(at, l.retryAt), every, wanted
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
func (l *loop) isWatched() bool {
	return l.poller.watched[l.pool] > 0 || l.listed
}

// recount updates the loads after a change of demand or cost. The caller holds mu.
func (l *loop) recount(cost int) {
	load := &l.poller.load
	load[l.class].loops--
	load[l.class].requests -= l.cost
	l.cost = cost
	switch {
	case l.gone != nil:
		l.class = removed
	case l.isFollowed():
		l.class = followed
	case l.isWatched():
		l.class = watched
	case l.poller.hot[l.pool]:
		l.class = hot
	default:
		l.class = idle
	}
	load[l.class].loops++
	load[l.class].requests += l.cost
}

// isFollowed reports whether it has followers. The caller holds mu.
func (l *loop) isFollowed() bool { return l.plain+len(l.drainers) > 0 }

// wake makes it look at the demand again. The caller holds mu.
func (l *loop) wake() {
	l.recount(l.cost)
	signal(l.woken)
}

// notify wakes the waiting callers. The caller holds mu.
func (l *loop) notify() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// end fails all waits, now and later. The caller holds mu.
func (l *loop) end(why error) {
	if l.gone != nil {
		return
	}
	l.gone = why
	l.remove()
	l.notify()
}

// remove removes it from the Poller. The caller holds mu.
func (l *loop) remove() {
	l.recount(l.cost)
	delete(l.poller.loops, l.pool)
}
