package snapshot

import (
	"context"
	"time"

	"lsapi"
)

// Remembered returns the list in memory if it may be served without a call to AWS: it is
// no older than the bound, or it is no older than MaxStaleOnError while refreshes fail or
// readers have given up waiting for one. Otherwise it returns nil: Read is needed.
//
// Errors: CodeNotFound: a listing within the bound lacks the name.
func (s *Snapshot) Remembered(pool lsapi.PoolID) (*lsapi.EncodedList, error) {
	now := time.Now()
	s.noteRead(now)
	var known *entry
	sl, exists := (*s.slots.Load())[pool]
	if exists {
		known = sl.current.Load()
		sl.noteRead(s.stamp(now))
	}
	switch {
	case known != nil && now.Sub(known.AsOf) <= s.boundOf(sl):
		sl.listing.served(now.Sub(known.AsOf))
		return &known.EncodedList, nil
	case !exists && s.hasListed(pool.Kind, now):
		return nil, errNotFound(pool)
	case s.withinErrorBound(known, now) && (sl.listing.fails() || s.hasGivenUp(sl.listing)):
		return &known.EncodedList, nil
	}
	return nil, nil
}

// Read returns the list of a pool. If fresh is set, or the one in memory may not be
// served, it waits for a read that begins after the call.
//
// If AWS fails, or does not answer within maxRefreshWait, Read returns the list in memory
// unless it is older than MaxStaleOnError or fresh is set.
//
// A fresh list includes all changes that any replica had on record as applied at the call.
// It fails while the record cannot be read.
//
// Errors: CodeNotFound. CodeUnavailable: AWS cannot be read, and the list in memory is too
// old or missing. Those of Overlay.CatchUp if fresh is set, and those of AWS.
func (s *Snapshot) Read(ctx context.Context, pool lsapi.PoolID, fresh bool) (*lsapi.EncodedList, error) {
	if s.listings[pool.Kind] == nil {
		return nil, errNotFound(pool)
	}
	if !fresh {
		if answer, err := s.Remembered(pool); answer != nil || err != nil {
			return answer, err
		}
	}
	s.noteReadOf(pool, time.Now())
	var err error
	if fresh {
		err = s.await(ctx, pool, true)
	} else if err = s.recentFailure(pool); err == nil {
		err = s.awaitBounded(ctx, pool)
	}
	known, _ := s.current(pool)
	switch {
	case err == nil && known != nil:
		return &known.EncodedList, nil
	case err == nil || lsapi.ErrorCode(err) == lsapi.CodeNotFound:
		return nil, errNotFound(pool)
	case fresh:
		return nil, err
	case s.withinErrorBound(known, time.Now()):
		return &known.EncodedList, nil
	case known != nil:
		return nil, errTooOld(known.AsOf, err)
	}
	return nil, s.errNothingKnown(ctx, pool, err)
}

// recentFailure returns the error of a read by name that has just failed, of a pool that is
// polled. The readers of another one may be answered by a listing.
func (s *Snapshot) recentFailure(pool lsapi.PoolID) error {
	if sl := (*s.slots.Load())[pool]; sl == nil || !sl.polled.is.Load() {
		return nil
	}
	return s.failedWithin(pool, retryPause)
}

// awaitBounded waits for an entry within the bound.
func (s *Snapshot) awaitBounded(ctx context.Context, pool lsapi.PoolID) error {
	old, _ := s.current(pool)
	if !s.withinErrorBound(old, time.Now()) {
		old = nil
	}
	return s.waitForRefresh(ctx, pool, old)
}

// errNothingKnown returns the error of a read without an entry while AWS fails. Stale
// listings do not prove that a name does not exist, so an unlisted name is CodeUnavailable.
func (s *Snapshot) errNothingKnown(ctx context.Context, pool lsapi.PoolID, cause error) error {
	code := lsapi.ErrorCode(cause)
	_, exists := s.current(pool)
	if exists || s.listings[pool.Kind].listed.Load() == 0 || ctx.Err() != nil || code == lsapi.CodeThrottled || code == lsapi.CodeUnavailable {
		return cause
	}
	err := lsapi.Errorf(lsapi.CodeUnavailable, "AWS cannot be read, and nothing is known of a %s", pool.Named())
	err.RetryAfter, err.Err = retryPause, cause
	return err
}

// Ready returns CodeUnavailable if All would have no pools to return, whether this process
// lists or another replica does, and no members could be read since. While there are no reads, and for resumeGrace after them, the ages do not count.
func (s *Snapshot) Ready() error {
	now := time.Now()
	if s.isIdle(now) || now.Sub(s.at(s.resumed.Load())) <= resumeGrace || now.Sub(s.at(s.lastShown.Load())) <= s.o.MaxStaleOnError {
		return nil
	}
	return s.errNothingServed(context.Background(), s.listingsOf(""))
}
