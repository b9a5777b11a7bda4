package health

import (
	"context"
	"time"

	"lsapi"
)

// Follow polls a pool until Close: at once unless the latest poll is recent, then
// every two seconds, or less often if many pools are followed.
func (p *Poller) Follow(pool lsapi.PoolID) *Follower {
	now := time.Now()
	return p.follow(pool, &Follower{made: now, from: now})
}

// FollowDrain follows a member that was detached at since and drains for at most timeout;
// either is zero if unknown. Polls begin when the draining can have ended. Each report of
// the Follower has the member, unless it has drained.
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
	l, err := p.loop(pool)
	if err != nil {
		f.refused = err
		return f
	}
	f.loop = l
	p.stats.Followers++
	switch {
	case !f.member.IsZero():
		l.drainers[f] = true
	case l.plain > 0:
		l.plain++
		return f // polls are in progress
	default:
		l.plain, l.plainFrom = 1, f.from
	}
	l.claimAt = time.Time{}
	l.wake()
	signal(p.wakeListen)
	return f
}

// Next returns the first report whose requests began after a time. It waits while AWS
// fails. The caller must not modify the report.
//
// Errors: CodeNotFound: the pool does not exist. CodeTimeout: ctx ended.
// CodeUnavailable: the Poller is closed. CodeThrottled: too many pools are polled.
func (f *Follower) Next(ctx context.Context, after time.Time) (lsapi.HealthReport, error) {
	if f.loop == nil {
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
	f.loop.poller.mu.Lock()
	defer f.loop.poller.mu.Unlock()
	report = f.loop.report
	switch {
	case f.loop.gone != nil:
		return lsapi.HealthReport{}, nil, f.loop.gone
	case report.AsOf.After(after) && (f.member.IsZero() || covers(&report, f.member)):
		return report, nil, nil
	}
	return lsapi.HealthReport{}, f.loop.changed, nil
}

// Close ends the Follower. It is idempotent.
func (f *Follower) Close() {
	if f.loop == nil {
		return
	}
	p := f.loop.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.closed {
		return
	}
	f.closed = true
	p.stats.Followers--
	if f.member.IsZero() {
		f.loop.plain--
	}
	delete(f.loop.drainers, f)
	f.loop.wake()
}
