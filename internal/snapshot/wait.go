package snapshot

import (
	"context"
	"time"

	"lsapi"
)

// The readers of an entry beyond the bound wait together, for maxRefreshWait, for a newer
// one, and then get the old one if it is within the error bound. After one such wait, no
// reader of a pool of the kind waits until a later whole listing has succeeded: otherwise a client
// whose connections all wait would never catch up while AWS is slow. An idle time, in
// which AWS is not called, counts as no wait.

// waitForRefresh waits for a newer entry than old, until old's deadline. If old is nil, it
// waits until ctx ends.
func (s *Snapshot) waitForRefresh(ctx context.Context, pool lsapi.PoolID, old *entry) error {
	if old == nil {
		return s.await(ctx, pool, false)
	}
	bounded, cancel := context.WithDeadline(ctx, s.waitDeadline(old, time.Now()))
	defer cancel()
	err := s.await(bounded, pool, false)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		s.listings[pool.Kind].gaveUp.Store(s.stamp(time.Now()))
	}
	return err
}

// waitDeadline returns until when readers of an entry wait for a newer one.
func (s *Snapshot) waitDeadline(e *entry, now time.Time) (until time.Time) {
	if since := e.wanted.Load(); since < s.resumed.Load() {
		e.wanted.CompareAndSwap(since, s.stamp(now)) // or another reader came first
	}
	return s.at(e.wanted.Load()).Add(maxRefreshWait)
}

// hasGivenUp reports whether readers have given up waiting, and no listing has begun since.
func (s *Snapshot) hasGivenUp(l *listing) bool {
	at := l.gaveUp.Load()
	return at >= s.resumed.Load() && at > l.listed.Load()
}
