package snapshot

import (
	"context"
	"maps"
	"slices"
	"time"

	"lsapi"
)

// All returns all load balancers of the region, sorted by name, and the begin of the oldest
// request behind them. It waits for a listing if the last one is older than the bound.
//
// If AWS fails, or does not answer within maxRefreshWait, All returns what is in memory
// unless it is older than MaxStaleOnError.
//
// Errors: those of Read except CodeNotFound.
func (s *Snapshot) All(ctx context.Context) ([]lsapi.Membership, time.Time, error) {
	now := time.Now()
	s.noteRead(now)
	if !s.isListed(now) {
		if err := s.awaitAll(ctx, now); err != nil {
			return nil, time.Time{}, err
		}
	}
	asOf := s.at(s.listed.Load())
	slots := *s.slots.Load()
	all := make([]lsapi.Membership, 0, len(slots))
	for pool := range slots {
		e, err := s.awaitEntry(ctx, pool)
		switch {
		case lsapi.ErrorCode(err) == lsapi.CodeNotFound:
			continue // deleted meanwhile
		case err != nil:
			return nil, time.Time{}, err
		case e.AsOf.Before(asOf):
			asOf = e.AsOf
		}
		all = append(all, e.membership(pool))
	}
	slices.SortFunc(all, func(a, b lsapi.Membership) int { return a.Pool.Compare(b.Pool) })
	return all, asOf, nil
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

// awaitEntry returns the entry of a load balancer, after the lookup of its instances if
// that is still in progress.
func (s *Snapshot) awaitEntry(ctx context.Context, pool lsapi.PoolID) (*entry, error) {
	for {
		refreshed := *s.refreshed.Load()
		known, exists := s.current(pool)
		switch {
		case known != nil:
			return known, nil
		case !exists:
			return nil, errNotFound(pool)
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

// One returns a load balancer like Read, and the begin of the request behind it.
//
// Errors: those of Read.
func (s *Snapshot) One(ctx context.Context, pool lsapi.PoolID, fresh bool) (lsapi.Membership, time.Time, error) {
	if _, err := s.Read(ctx, pool, fresh); err != nil {
		return lsapi.Membership{}, time.Time{}, err
	}
	e, _ := s.current(pool)
	if e == nil {
		return lsapi.Membership{}, time.Time{}, errNotFound(pool) // deleted meanwhile
	}
	return e.membership(pool), e.AsOf, nil
}

func (e *entry) membership(pool lsapi.PoolID) lsapi.Membership {
	return lsapi.Membership{Pool: pool, Members: e.members, Description: e.description, AsOf: e.AsOf}
}

// Pools returns the known load balancers, sorted.
func (s *Snapshot) Pools() []lsapi.PoolID {
	return slices.SortedFunc(maps.Keys(*s.slots.Load()), lsapi.PoolID.Compare)
}

// Touch counts as a read, so that refreshes continue.
func (s *Snapshot) Touch() { s.noteRead(time.Now()) }
