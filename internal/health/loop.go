package health

import (
	"context"
	"time"

	"lsapi"
)

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

// step does the work that is due: a poll, unless another replica has claimed it, or
// lookups of members that another replica's report lacks.
func (l *loop) step() {
	p := l.poller
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-p.base.Done():
		return
	}
	next := l.plan()
	switch {
	case !next.due:
	case len(next.unreported) > 0:
		l.complete(p.base, next.report, next.unreported)
	case l.claim(p.base, next.every):
		l.poll(p.base, next.aws)
	}
}

// plan is the work of a step.
type plan struct {
	due        bool
	every      time.Duration
	aws        AWS
	report     lsapi.HealthReport // of another replica, which lacks unreported
	unreported []lsapi.MemberID
}

func (l *loop) plan() plan {
	p := l.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	at, every, wanted := l.due(now)
	next := plan{due: l.gone == nil && wanted && !at.After(now), every: every, aws: p.o.Background, report: l.report, unreported: l.unreported(now)}
	if l.isFollowed() || len(l.queries) > 0 {
		next.aws = p.o.AWS
	}
	return next
}
