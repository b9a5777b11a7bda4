package health

import (
	"context"
	"time"

	"lsapi"
)

// query is a call of Recent: it needs a report no older than maxAge at a time.
type query struct {
	at     time.Time
	maxAge time.Duration
}

// Recent returns a report no older than maxAge, from a poll that all callers share if
// needed. The caller must not modify the report.
//
// Errors: those of the poll, such as CodeNotFound; while polls pause after a failure,
// that failure at once. CodeTimeout: ctx ended. CodeUnavailable: the Poller is closed.
// CodeThrottled: too many load balancers are polled.
func (p *Poller) Recent(ctx context.Context, pool lsapi.PoolID, maxAge time.Duration) (lsapi.HealthReport, error) {
	q := &query{at: time.Now(), maxAge: max(0, maxAge)}
	b, err := p.query(pool, q)
	if err != nil {
		return lsapi.HealthReport{}, err
	}
	defer b.leave(q)
	for {
		report, news, err := b.answer(q)
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

func (p *Poller) query(pool lsapi.PoolID, q *query) (*balancer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, err := p.balancer(pool)
	if err != nil {
		return nil, err
	}
	b.queries[q] = true
	p.queries++
	if _, news, _ := b.answerNow(q); news != nil {
		b.claimAt = time.Time{}
		b.wake()
		signal(p.wakeListen)
	}
	return b, nil
}

// leave removes a query.
func (b *balancer) leave(q *query) {
	b.poller.mu.Lock()
	defer b.poller.mu.Unlock()
	delete(b.queries, q)
	b.poller.queries--
}

func (b *balancer) answer(q *query) (report lsapi.HealthReport, news <-chan struct{}, err error) {
	b.poller.mu.Lock()
	defer b.poller.mu.Unlock()
	return b.answerNow(q)
}

// answerNow returns the latest report if it is recent enough. Otherwise news is closed
// at the next change. The caller holds mu.
func (b *balancer) answerNow(q *query) (report lsapi.HealthReport, news <-chan struct{}, err error) {
	switch {
	case b.gone != nil:
		return lsapi.HealthReport{}, nil, b.gone
	case !b.report.AsOf.Before(q.at.Add(-q.maxAge)):
		return b.report, nil, nil
	case b.failure != nil && (b.failedAt.After(q.at) || b.retryAt.After(time.Now())):
		return lsapi.HealthReport{}, nil, b.failure
	}
	return lsapi.HealthReport{}, b.changed, nil
}
