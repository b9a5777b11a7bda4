package health

import (
	"time"

	"lsapi"
)

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

// answerNow returns the latest report if it is recent enough. Otherwise news is closed
// at the next change. The caller holds mu.
func (l *loop) answerNow(q *query) (report lsapi.HealthReport, news <-chan struct{}, err error) {
	switch {
	case l.gone != nil:
		return lsapi.HealthReport{}, nil, l.gone
	case !l.report.AsOf.Before(q.at.Add(-q.maxAge)):
		return l.report, nil, nil
	case l.failure != nil && (l.failedAt.After(q.at) || l.retryAt.After(time.Now())):
		return lsapi.HealthReport{}, nil, l.failure
	}
	return lsapi.HealthReport{}, l.changed, nil
}
