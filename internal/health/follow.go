package health

import (
	"context"
	"time"

	"lsapi"
)

// Follower is somebody who waits for news of a load balancer, which is polled until
// it is closed.
type Follower struct {
	b        *balancer // nil when there can be none
	refused  error     // why
	closed   bool      // guarded by Poller.mu
	instance string    // that may be drained; empty when it is not about one
	made     time.Time // when it came; what was asked before is not for it
	from     time.Time // it is not polled for this before
}

// Follow has a load balancer polled until the Follower is closed: at once if the
// last poll is not recent, and every two seconds from then on, or less often when
// many load balancers are followed.
func (p *Poller) Follow(loadBalancer string) *Follower {
	now := time.Now()
	return p.follow(loadBalancer, &Follower{made: now, from: now})
}

// FollowDrain has an instance watched that was detached from a load balancer at
// since and is drained for at most timeout; either is zero when it is not known.
// The load balancer is not polled for it before its draining can have ended. The
// reports that the Follower gives rest on a question about this instance, so that
// one in which the instance is not a member tells that it is drained.
func (p *Poller) FollowDrain(loadBalancer, instanceID string, since time.Time, timeout time.Duration) *Follower {
	delay := drainDelay
	if timeout > 0 {
		delay = min(delay, timeout)
	}
	made := time.Now()
	from := later(made, earlier(since, made).Add(delay)) // clocks are set back
	return p.follow(loadBalancer, &Follower{instance: instanceID, made: made, from: from})
}

func (p *Poller) follow(loadBalancer string, f *Follower) *Follower {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, err := p.balancer(loadBalancer)
	if err != nil {
		f.refused = err
		return f
	}
	f.b = b
	p.stats.Followers++
	switch {
	case f.instance != "":
		b.drainers[f] = true
	case b.plain > 0:
		b.plain++
		return f // it is polled already
	default:
		b.plain, b.plainFrom = 1, f.from
	}
	b.claimAt = time.Time{}
	b.hurry()
	signal(p.wakeListen)
	return f
}

// Next returns the first report whose asking began after the time. It waits while
// AWS fails. The report must not be changed.
//
// Errors: CodeNotFound when there is no such load balancer any more, CodeTimeout
// when ctx ends, CodeUnavailable when the Poller is closed, CodeThrottled when too
// many load balancers are asked for their health.
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

// latest returns the last report if it is what the Follower waits for; else news is
// closed when it is worth to look again.
func (f *Follower) latest(after time.Time) (report lsapi.HealthReport, news <-chan struct{}, err error) {
	f.b.poller.mu.Lock()
	defer f.b.poller.mu.Unlock()
	report = f.b.report
	switch {
	case f.b.gone != nil:
		return lsapi.HealthReport{}, nil, f.b.gone
	case report.AsOf.After(after) && (f.instance == "" || speaksOf(report, f.instance)):
		return report, nil, nil
	}
	return lsapi.HealthReport{}, f.b.changed, nil
}

// Close ends the following. It may be called again.
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
	if f.instance == "" {
		f.b.plain--
	}
	delete(f.b.drainers, f)
	f.b.hurry()
}
