package health

import (
	"context"
	"time"

	"lsapi"
)

// Recent returns a report no older than maxAge, from a poll that all callers share if
// needed. The caller must not modify the report.
//
// Errors: those of the poll, such as CodeNotFound; while polls pause after a failure,
// that failure at once. CodeTimeout: ctx ended. CodeUnavailable: the Poller is closed.
// CodeThrottled: too many pools are polled.
func (p *Poller) Recent(ctx context.Context, pool lsapi.PoolID, maxAge time.Duration) (lsapi.HealthReport, error) {
	q := &query{at: time.Now(), maxAge: max(0, maxAge)}
	l, err := p.query(pool, q)
	if err != nil {
		return lsapi.HealthReport{}, err
	}
	defer l.leave(q)
	for {
		report, news, err := l.answer(q)
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

// Latest returns the last report on a pool that is polled, without a poll for it; false if
// there is none. The caller must not modify it.
func (p *Poller) Latest(pool lsapi.PoolID) (lsapi.HealthReport, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.loops[pool]
	if l == nil || l.gone != nil || l.report.AsOf.IsZero() {
		return lsapi.HealthReport{}, false
	}
	return l.report, true
}

func (p *Poller) query(pool lsapi.PoolID, q *query) (*loop, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, err := p.loop(pool)
	if err != nil {
		return nil, err
	}
	l.queries[q] = true
	p.queries++
	if _, news, _ := l.answerNow(q); news != nil {
		l.claimAt = time.Time{}
		l.wake()
		signal(p.wakeListen)
	}
	return l, nil
}

// leave removes a query.
func (l *loop) leave(q *query) {
	l.poller.mu.Lock()
	defer l.poller.mu.Unlock()
	delete(l.queries, q)
	l.poller.queries--
}

func (l *loop) answer(q *query) (report lsapi.HealthReport, news <-chan struct{}, err error) {
	l.poller.mu.Lock()
	defer l.poller.mu.Unlock()
	return l.answerNow(q)
}
