package snapshot

import (
	"context"
	"maps"
	"slices"
	"time"

	"lsapi"
)

// All returns all pools of a kind, or of all kinds if it is empty, sorted. It waits for a
// listing of each kind whose last one is older than the bound, but not for pools that are
// polled: their members are as of the last poll.
//
// If AWS fails, or does not answer within maxRefreshWait, All returns what is in memory. It
// leaves out kinds whose listing is older than MaxStaleOnError, and fails if that leaves no
// pools.
//
// Errors: those of Read except CodeNotFound.
func (s *Snapshot) All(ctx context.Context, kind lsapi.Kind) (lsapi.Listing, error) {
	called := time.Now()
	s.noteRead(called)
	listings := s.listingsOf(kind)
	s.awaitAll(ctx, called, listings)
	if err := s.errNothingServed(ctx, listings); err != nil {
		return lsapi.Listing{}, err
	}
	var all lsapi.Listing
	var failure error
	for _, l := range listings {
		state := s.stateOf(l)
		if state.Served {
			pools, err := s.poolsOf(ctx, l)
			if err != nil {
				failure, state.Served = err, false
			}
			all.Pools = append(all.Pools, pools...)
		}
		if !state.Served || !s.isListed(l, time.Now()) {
			all.Outdated = append(all.Outdated, state)
		}
	}
	if failure != nil && (len(all.Pools) == 0 || ctx.Err() != nil) {
		return lsapi.Listing{}, failure
	}
	slices.SortFunc(all.Pools, func(a, b lsapi.Membership) int { return a.Pool.Compare(b.Pool) })
	return all, nil
}

// listingsOf returns the listing of a kind, or those of all kinds if it is empty, in order.
func (s *Snapshot) listingsOf(kind lsapi.Kind) (found []*listing) {
	for _, k := range s.o.Kinds {
		if kind == "" || k == kind {
			found = append(found, s.listings[k])
		}
	}
	return found
}

// poolsOf returns the pools of a listing.
func (s *Snapshot) poolsOf(ctx context.Context, l *listing) ([]lsapi.Membership, error) {
	slots := *s.slots.Load()
	all := make([]lsapi.Membership, 0, len(slots))
	for pool, sl := range slots {
		if sl.listing != l {
			continue
		}
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
	return all, nil
}

// awaitAll waits until each listing is within the bound, by one that begins after the call,
// or fails. While others can be served, it does not wait for the first listing of a kind
// for longer than freshTimeout.
func (s *Snapshot) awaitAll(ctx context.Context, called time.Time, listings []*listing) {
	for _, l := range listings {
		if s.isListed(l, called) {
			continue
		}
		patient, cancel := ctx, context.CancelFunc(func() {})
		switch {
		case s.isListingWithinErrorBound(l):
			patient, cancel = context.WithDeadline(ctx, called.Add(maxRefreshWait))
		case slices.ContainsFunc(listings, s.isListingWithinErrorBound):
			patient, cancel = context.WithDeadline(ctx, called.Add(freshTimeout))
		}
		_ = s.awaitListing(patient, l, called) // the listing's state shows whether that succeeded
		cancel()
	}
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
		case s.listings[pool.Kind].fails():
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

// Peek returns what is in memory of a pool, and does not count as a read; false if nothing is.
func (s *Snapshot) Peek(pool lsapi.PoolID) (lsapi.Membership, bool) {
	sl, ok := (*s.slots.Load())[pool]
	if !ok {
		return lsapi.Membership{}, false
	}
	e := sl.current.Load()
	if e == nil {
		return lsapi.Membership{}, false
	}
	return sl.membership(e), true
}

// Touch counts as a read, so that refreshes continue.
func (s *Snapshot) Touch() { s.noteRead(time.Now()) }
