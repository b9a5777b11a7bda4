package health

import (
	"context"
	"time"

	"lsapi"
)

// Follower receives the reports of a load balancer, which is polled until Close.
type Follower struct {
	b       *balancer // nil if refused
	refused error
	closed  bool           // guarded by Poller.mu
	member  lsapi.MemberID // that may be draining; empty for the whole load balancer
	made    time.Time      // requests before then do not include the instance
	from    time.Time      // the earliest poll for this Follower
}

// Follow polls a load balancer until Close: at once unless the latest poll is recent,
// then every two seconds, or less often if many load balancers are followed.
func (p *Poller) Follow(pool lsapi.PoolID) *Follower {
	now := time.Now()
	return p.follow(pool, &Follower{made: now, from: now})
}

// FollowDrain follows an instance that was detached at since and drains for at most
// timeout; either is zero if unknown. Polls begin when the draining can have ended. Each
// report of the Follower includes a lookup of the instance: if it is absent, it has
// drained.
func (p *Poller) FollowDrain(pool lsapi.PoolID, member lsapi.MemberID, since time.Time, timeout time.Duration) *Follower {
	delay := drainDelay
	if timeout > 0 {
		delay = min(delay, timeout)
	}
	made := time.Now()
	from := later(made, earlier(since, made).Add(delay)) // since is of a clock that may have been set back
	return p.follow(pool, &Follower{member: member, made: made, from: from})
}

func (p *Poller) follow(pool lsapi.PoolID, f *Follower) *Follower {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, err := p.balancer(pool)
	if err != nil {
		f.refused = err
		return f
	}
	f.b = b
	p.stats.Followers++
	switch {
	case !f.member.IsZero():
		b.drainers[f] = true
	case b.plain > 0:
		b.plain++
		return f // polls are in progress
	default:
		b.plain, b.plainFrom = 1, f.from
	}
	b.claimAt = time.Time{}
	b.wake()
	signal(p.wakeListen)
	return f
}

// Next returns the first report whose requests began after a time. It waits while AWS
// fails. The caller must not modify the report.
//
// Errors: CodeNotFound: the load balancer does not exist. CodeTimeout: ctx ended.
// CodeUnavailable: the Poller is closed. CodeThrottled: too many load balancers are
// polled.
func (f *Follower) Next(ctx context.Context, after time.Time) (lsapi.HealthReport, error) {
	if f.b == nil {
		return lsapi.HealthReport{}, f.refused
	}
	for {
		report, news, err := f.latest(after)
		if news == nil {
			return report, err
		}
		select {
		case <-news:
		case <-ctx.Done():
			return lsapi.HealthReport{}, &lsapi.Error{Code: lsapi.CodeTimeout, Err: context.Cause(ctx)}
		}
	}
}

// latest returns the latest report if Next may return it. Otherwise news is closed at
// the next change.
func (f *Follower) latest(after time.Time) (report lsapi.HealthReport, news <-chan struct{}, err error) {
	f.b.poller.mu.Lock()
	defer f.b.poller.mu.Unlock()
	report = f.b.report
	switch {
	case f.b.gone != nil:
		return lsapi.HealthReport{}, nil, f.b.gone
	case report.AsOf.After(after) && (f.member.IsZero() || covers(&report, f.member)):
		return report, nil, nil
	}
	return lsapi.HealthReport{}, f.b.changed, nil
}

// Close ends the Follower. It is idempotent.
func (f *Follower) Close() {
	if f.b == nil {
		return
	}
	p := f.b.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.closed {
		return
	}
	f.closed = true
	p.stats.Followers--
	if f.member.IsZero() {
		f.b.plain--
	}
	delete(f.b.drainers, f)
	f.b.wake()
}
