package snapshot

import (
	"context"
	"maps"
	"slices"
	"time"

	"lsapi"
)

// All returns all pools of the region, sorted. It waits for a listing if the last one is
// older than the bound, but not for pools that are polled: their members are as of the last
// poll.
//
// If AWS fails, or does not answer within maxRefreshWait, All returns what is in memory
// unless it is older than MaxStaleOnError.
//
// Errors: those of Read except CodeNotFound.
func (s *Snapshot) All(ctx context.Context) ([]lsapi.Membership, error) {
	now := time.Now()
	s.noteRead(now)
	if !s.isListed(now) {
		if err := s.awaitAll(ctx, now); err != nil {
			return nil, err
		}
	}
	slots := *s.slots.Load()
	all := make([]lsapi.Membership, 0, len(slots))
	for pool, sl := range slots {
		e := sl.current.Load()
		if e == nil && !sl.polled.is.Load() {
			var err error
			if e, err = s.awaitEntry(ctx, pool); lsapi.ErrorCode(err) == lsapi.CodeNotFound {
				continue // deleted meanwhile
			} else if err != nil {
				return nil, err
			}
		}
		all = append(all, sl.membership(e))
	}
	slices.SortFunc(all, func(a, b lsapi.Membership) int { return a.Pool.Compare(b.Pool) })
	return all, nil
}

// awaitAll waits for a listing that begins after the call, or until the last one may be
// served because AWS fails.
func (s *Snapshot) awaitAll(ctx context.Context, called time.Time) error {
	patient, cancel := ctx, context.CancelFunc(func() {})
	if s.isListingWithinErrorBound() {
		patient, cancel = context.WithTimeout(ctx, maxRefreshWait)
	}
	defer cancel()
	err := s.awaitListing(patient, called)
	switch {
	case s.isListingWithinErrorBound():
		return nil
	case err != nil:
		return err
	}
	return errUnreadable()
}

// isListingWithinErrorBound reports whether the last listing may be served while AWS cannot
// be read.
func (s *Snapshot) isListingWithinErrorBound() bool {
	return time.Since(s.at(s.listed.Load())) <= s.o.MaxStaleOnError
}

// awaitEntry returns the entry of a pool, after the lookup of its instances if that is
// still in progress; nil if the pool is not listed, and cannot be read by name.
func (s *Snapshot) awaitEntry(ctx context.Context, pool lsapi.PoolID) (*entry, error) {
	for {
		refreshed := *s.refreshed.Load()
		known, exists := s.current(pool)
		switch {
		case known != nil:
			return known, nil
		case !exists:
			return nil, errNotFound(pool)
		case s.failedWithin(pool, farPast) != nil:
			return nil, nil //nolint:nilerr // the failure is that of the pool's own read
		case s.failing.Failing():
			return nil, errUnreadable()
		}
		select {
		case <-refreshed:
		case <-ctx.Done():
			return nil, &lsapi.Error{Code: lsapi.CodeTimeout, Err: context.Cause(ctx)}
		case <-s.base.Done():
			return nil, errStopping()
		}
	}
}

// One returns a pool like Read.
//
// Errors: those of Read.
func (s *Snapshot) One(ctx context.Context, pool lsapi.PoolID, fresh bool) (lsapi.Membership, error) {
	if _, err := s.Read(ctx, pool, fresh); err != nil {
		return lsapi.Membership{}, err
	}
	if sl := (*s.slots.Load())[pool]; sl != nil {
		if e := sl.current.Load(); e != nil {
			return sl.membership(e), nil
		}
	}
	return lsapi.Membership{}, errNotFound(pool) // deleted meanwhile
}

// membership returns the membership of an entry, which is nil before the first.
func (sl *slot) membership(e *entry) lsapi.Membership {
	m := lsapi.Membership{Pool: sl.pool, Description: sl.description.Load(), MembersUnlisted: sl.polled.is.Load()}
	if e != nil {
		m.Members, m.Health, m.AsOf = e.members, e.health, e.AsOf
	}
	return m
}

// Pools returns the known pools, sorted.
func (s *Snapshot) Pools() []lsapi.PoolID {
	return slices.SortedFunc(maps.Keys(*s.slots.Load()), lsapi.PoolID.Compare)
}

// Touch counts as a read, so that refreshes continue.
func (s *Snapshot) Touch() { s.noteRead(time.Now()) }
