package health

import (
	"context"
	"sync"
	"time"

	"lsapi"
	"lsapi/internal/background"
)

// Poller polls for all followers, watchers and queries. It is safe for concurrent use.
// Start starts its background work; Close ends it.
type Poller struct {
	o Options

	mu        sync.Mutex // guards the fields up to closing, and the loops
	loops     map[lsapi.PoolID]*loop
	load      [classes]load
	watched   map[lsapi.PoolID]int // number of watchers, by pool
	hot       map[lsapi.PoolID]bool
	hotEvery  time.Duration // the interval of their polls
	listeners []Listener
	all       int // watchers of all pools
	queries   int // calls of Recent in progress
	drains    drains
	stats     Stats
	closing   bool

	wakeWatch  chan struct{}      // holds one: the watchers have changed
	wakeListen chan struct{}      // holds one: reports of the other replicas may be wanted
	slots      chan struct{}      // one for each poll in progress
	partition  *background.Outage // of the other replicas
	sweeping   *background.Outage // of the sweep

	work *background.Group
	base context.Context // of work
}

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

// Follower receives the reports of a pool, which is polled until Close.
type Follower struct {
	loop    *loop // nil if refused
	refused error
	closed  bool           // guarded by Poller.mu
	member  lsapi.MemberID // that may be draining; empty for the whole pool
	made    time.Time      // requests before then do not include the member
	from    time.Time      // the earliest poll for this Follower
}

// query is a call of Recent: it needs a report no older than maxAge at a time.
type query struct {
	at     time.Time
	maxAge time.Duration
}

// Stats returns the current state.
func (p *Poller) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	stats := p.stats
	stats.Followed, stats.Watched, stats.Hot = p.load[followed].loops, p.load[watched].loops, p.load[hot].loops
	return stats
}

// Listen adds a listener. It must not block.
func (p *Poller) Listen(l Listener) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listeners = append(p.listeners, l)
}

// notifyAll calls the listeners.
func (p *Poller) notifyAll(report lsapi.HealthReport, own bool) {
	p.mu.Lock()
	if report.Whole { // its pool may have no loop
		p.drains.note(&report)
	}
	listeners := p.listeners
	p.mu.Unlock()
	for _, l := range listeners {
		l(report, own)
	}
}

// Detached reports members that a replica has just detached, and that may be draining. It
// does not block.
func (p *Poller) Detached(pool lsapi.PoolID, members []lsapi.Member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for _, member := range members {
		p.drains.add(pool, member.ID, now)
		if l := p.loops[pool]; l != nil {
			delete(l.absent, member.ID)
		}
	}
}

// Draining returns the former members with an instance that may be draining, sorted. A
// report shows whether they are.
func (p *Poller) Draining(instanceID string) []lsapi.DrainingMember {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.drains.withInstance(instanceID, time.Now())
}

// signal fills a channel of capacity one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func errStopping() error { return lsapi.Errorf(lsapi.CodeUnavailable, "the service is stopping") }

func errTooMany() error {
	return &lsapi.Error{Code: lsapi.CodeThrottled, Message: "the health of too many pools is requested", RetryAfter: retryAfter}
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
