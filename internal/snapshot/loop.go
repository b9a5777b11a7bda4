package snapshot

import (
	"context"
	"errors"
	"slices"
	"time"

	"lsapi"
)

// refreshForever refreshes ahead of the bound, except in idle times.
func (s *Snapshot) refreshForever(l *listing) {
	var next time.Time
	for s.base.Err() == nil {
		now := time.Now()
		var due <-chan time.Time
		if s.isIdle(now) {
			l.forgetOutcome() // the next read finds out
		} else {
			due = time.After(max(0, next.Sub(now)))
		}
		select {
		case <-s.base.Done():
			return
		case <-l.wake:
			continue // no longer idle: next is due as planned
		case <-due:
		}
		next = s.step(s.base, l)
	}
}

// step refreshes, or follows the leader, and returns when the next step is due.
func (s *Snapshot) step(ctx context.Context, l *listing) (next time.Time) {
	if s.leads(ctx) {
		began := time.Now()
		aside, err := s.refreshLeading(ctx, l)
		return s.schedule(l, began, time.Since(began)-aside, err)
	}
	s.follow(ctx, l)
	return time.Now()
}

// schedule returns the time of the next refresh after one that began at a time and whose
// listing took a duration, without lookups of instances. The next one ends before the
// answers of this one exceed the bound. If the fleet is too large for that, the pause is as
// long as a listing, which leaves processor time and budget to others, and the bound
// stretches. The shortest of the last listings counts, because a slow one does not make a
// large fleet.
func (s *Snapshot) schedule(l *listing, began time.Time, took time.Duration, err error) (next time.Time) {
	if errors.Is(err, errOutdated) {
		return time.Now() // its instances are known now, so the next one is quick
	}
	if s.base.Err() != nil {
		return time.Time{} // the error is due to Close
	}
	s.noteOutcome(l, err, err != nil && s.o.Denied(err))
	s.o.Metrics.Refresh(lsapi.ErrorCode(err), took)
	if err != nil {
		s.publishFailure(l)
		return time.Now().Add(retryPause)
	}
	l.recent = append(l.recent[max(0, len(l.recent)-typicalOf+1):], took)
	typical := slices.Min(l.recent)
	slack := s.o.MaxStaleness / slackShare
	period := max(s.o.MaxStaleness-typical-slack, 2*typical)
	s.stretch(l, max(s.o.MaxStaleness, period+typical+slack), typical)
	return began.Add(period)
}

// stretch sets the bound, and logs it at intervals while it exceeds MaxStaleness.
func (s *Snapshot) stretch(l *listing, bound, took time.Duration) {
	l.bound.Store(int64(bound))
	if bound > s.o.MaxStaleness && time.Since(l.warned) > warnEvery {
		l.warned = time.Now()
		s.o.Log.Warn("the fleet is too large for the freshness bound; answers may be older",
			"kind", l.kind, "max_staleness", s.o.MaxStaleness, "bound", bound, "refresh_took", took)
	}
}
