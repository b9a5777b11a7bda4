package health

import (
	"context"
	"time"

	"lsapi"
)

// ask is somebody who wants a report that is no older than maxAge at the time at
// which it is wanted.
type ask struct {
	at     time.Time
	maxAge time.Duration
}

// Recent returns a report that is no older than maxAge, and has the load balancer
// polled for it if need be, together with all who want the same. The report must
// not be changed.
//
// Errors: those of the poll, CodeNotFound when there is no such load balancer among
// them. While polls fail and pause, the error of the last one, at once. CodeTimeout
// when ctx ends, CodeUnavailable when the Poller is closed, CodeThrottled when too
// many load balancers are asked for their health.
func (p *Poller) Recent(ctx context.Context, loadBalancer string, maxAge time.Duration) (lsapi.HealthReport, error) {
	a := &ask{at: time.Now(), maxAge: max(0, maxAge)}
	b, err := p.ask(loadBalancer, a)
	if err != nil {
		return lsapi.HealthReport{}, err
	}
	defer b.leave(a)
	for {
		report, news, err := b.answer(a)
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

func (p *Poller) ask(loadBalancer string, a *ask) (*balancer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, err := p.balancer(loadBalancer)
	if err != nil {
		return nil, err
	}
	b.asks[a] = true
	p.asks++
	if _, news, _ := b.answerNow(a); news != nil {
		b.claimAt = time.Time{}
		b.hurry()
		signal(p.wakeListen)
	}
	return b, nil
}

// leave ends a wait: a poll that nobody wants any more is not made.
func (b *balancer) leave(a *ask) {
	b.poller.mu.Lock()
	defer b.poller.mu.Unlock()
	delete(b.asks, a)
	b.poller.asks--
}

func (b *balancer) answer(a *ask) (report lsapi.HealthReport, news <-chan struct{}, err error) {
	b.poller.mu.Lock()
	defer b.poller.mu.Unlock()
	return b.answerNow(a)
}

// answerNow returns the last report if it is recent enough; else news is closed
// when it is worth to look again. The caller holds mu.
func (b *balancer) answerNow(a *ask) (report lsapi.HealthReport, news <-chan struct{}, err error) {
	switch {
	case b.gone != nil:
		return lsapi.HealthReport{}, nil, b.gone
	case !b.report.AsOf.Before(a.at.Add(-a.maxAge)):
		return b.report, nil, nil
	case b.failure != nil && (b.failedAt.After(a.at) || b.retryAt.After(time.Now())):
		return lsapi.HealthReport{}, nil, b.failure
	}
	return lsapi.HealthReport{}, b.changed, nil
}
