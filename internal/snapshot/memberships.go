package snapshot

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"lsapi"
)

// Memberships returns the pools that an instance is a member of, from memory. It waits
// like All for the listings. The kinds that All would return as Outdated, it does too.
//
// If fresh is set, it waits for the next listings for at most freshTimeout, and reads by
// name what these could not publish. The pools whose entry is older than the call then are
// Unread.
//
// Errors: those of All.
func (s *Snapshot) Memberships(ctx context.Context, instanceID string, fresh bool) (lsapi.Memberships, error) {
	called := time.Now()
	s.noteRead(called)
	if fresh {
		return s.freshMemberships(ctx, instanceID, called)
	}
	listings := s.listingsOf("")
	s.awaitAll(ctx, called, listings)
	if err := s.errNothingServed(ctx, listings); err != nil {
		return lsapi.Memberships{}, err
	}
	return s.remembered(ctx, instanceID, s.outdated(listings, time.Time{}))
}

// outdated returns the listings that began before since; for the zero time, those that are
// older than the bound.
func (s *Snapshot) outdated(listings []*listing, since time.Time) (found []lsapi.KindListing) {
	for _, l := range listings {
		if since.IsZero() && !s.isListed(l, time.Now()) || !s.wasListedSince(l, since) {
			found = append(found, s.stateOf(l))
		}
	}
	return found
}

// freshMemberships returns the pools of an instance by reads that begin after the call.
func (s *Snapshot) freshMemberships(ctx context.Context, instanceID string, called time.Time) (lsapi.Memberships, error) {
	bounded, cancel := context.WithTimeout(ctx, freshTimeout)
	defer cancel()
	listings := s.listingsOf("")
	isFresh := s.refreshAll(bounded, called, listings)
	if ctx.Err() != nil {
		return lsapi.Memberships{}, &lsapi.Error{Code: lsapi.CodeTimeout, Err: context.Cause(ctx)}
	}
	if err := s.errNothingServed(ctx, listings); err != nil {
		return lsapi.Memberships{}, err
	}
	found, err := s.membershipsOf(ctx, instanceID, called, s.outdated(listings, called))
	found.Whole = found.Whole && isFresh
	return found, err
}

// remembered returns the pools of an instance from memory. A few pools that the sweep has not
// reached, after a start or an idle time, are read first.
func (s *Snapshot) remembered(ctx context.Context, instanceID string, outdated []lsapi.KindListing) (lsapi.Memberships, error) {
	found, err := s.membershipsOf(ctx, instanceID, time.Time{}, outdated)
	if err != nil || found.Whole || len(found.Unread) > maxFirstReads {
		return found, err
	}
	pause := max(retryPause, s.sweepTime(len(found.Unread)))
	unread := slices.DeleteFunc(slices.Clone(found.Unread), func(pool lsapi.PoolID) bool { return s.failedWithin(pool, pause) != nil })
	if len(unread) == 0 {
		return found, nil
	}
	bounded, cancel := context.WithTimeout(ctx, firstReadsTimeout)
	defer cancel()
	_, _ = s.searched.Do(bounded, unread...) // their entries show whether that succeeded
	return s.membershipsOf(ctx, instanceID, time.Time{}, outdated)
}

// refreshAll waits for listings that begin after the call, reads by name the pools that
// they left older, and adds the changes of all replicas. It returns false if these could
// not be read before ctx ended.
func (s *Snapshot) refreshAll(ctx context.Context, called time.Time, listings []*listing) bool {
	for _, l := range listings {
		_ = s.awaitListing(ctx, l, called) // its state shows whether that succeeded
	}
	var stale []lsapi.PoolID
	for pool, sl := range *s.slots.Load() {
		if !s.wasListedSince(sl.listing, called) {
			continue // a call for each of its pools would make it worse
		}
		if e := sl.current.Load(); e == nil || e.AsOf.Before(s.freshSince(sl, called)) {
			stale = append(stale, pool)
		}
	}
	_, _ = s.searched.Do(ctx, stale...) // their entries show whether that succeeded
	if s.o.Overlay.CatchUpAll(ctx) != nil {
		return false
	}
	for pool := range *s.slots.Load() {
		if s.overlayAnew(ctx, pool) != nil {
			return false
		}
	}
	return true
}

// freshSince returns since when a pool must have been read for a read that was called then, or
// for one that needs no fresh data. Pools that are polled may be as old as the bound, since to
// read them all takes too many calls, or as old as the sweep lets them become.
func (s *Snapshot) freshSince(sl *slot, called time.Time) time.Time {
	switch {
	case !sl.polled.is.Load():
		return called
	case called.IsZero():
		return time.Now().Add(-sweepSlack * s.o.SweepEvery)
	}
	return called.Add(-s.boundOf(sl))
}

// membershipsOf returns the pools of an instance. Entries from before since are Unread.
func (s *Snapshot) membershipsOf(ctx context.Context, instanceID string, since time.Time, outdated []lsapi.KindListing) (lsapi.Memberships, error) {
	found := lsapi.Memberships{Outdated: outdated}
	var err error
	if found.Unread, err = s.unread(ctx, since, outdated); err != nil {
		return lsapi.Memberships{}, err
	}
	for _, sl := range s.locations.of(instanceID) {
		if !sl.polled.is.Load() && !s.isListingWithinErrorBound(sl.listing) {
			continue // its members are as old
		}
		e := sl.current.Load()
		for member := range e.membersWith(instanceID) {
			found.Found = append(found.Found, lsapi.FoundMember{Pool: sl.pool, Member: *member, Health: e.health, AsOf: e.AsOf})
		}
	}
	slices.SortFunc(found.Found, func(a, b lsapi.FoundMember) int { return cmp.Or(a.Pool.Compare(b.Pool), a.ID.Compare(b.ID)) })
	slices.SortFunc(found.Unread, lsapi.PoolID.Compare)
	found.Whole = len(found.Unread)+len(outdated) == 0
	return found, nil
}

// unread returns the pools that must be read for a read with that time, as freshSince has it.
// For the zero time it waits for the entries of pools that are listed with their members,
// except those of outdated kinds.
func (s *Snapshot) unread(ctx context.Context, since time.Time, outdated []lsapi.KindListing) (pools []lsapi.PoolID, err error) {
	for pool, sl := range *s.slots.Load() {
		e := sl.current.Load()
		isOutdated := slices.ContainsFunc(outdated, func(k lsapi.KindListing) bool { return k.Kind == pool.Kind })
		if e == nil && since.IsZero() && !sl.polled.is.Load() && !isOutdated {
			if e, err = s.awaitEntry(ctx, pool); lsapi.ErrorCode(err) == lsapi.CodeNotFound {
				continue // deleted meanwhile
			} else if err != nil {
				return nil, err
			}
		}
		if e == nil || e.AsOf.Before(s.freshSince(sl, since)) {
			pools = append(pools, pool)
		}
	}
	return pools, nil
}

// membersWith returns the members with an instance.
func (e *entry) membersWith(instanceID string) iter.Seq[*lsapi.Member] {
	return func(yield func(*lsapi.Member) bool) {
		for i := range e.members {
			if e.members[i].ID.Instance == instanceID && !yield(&e.members[i]) {
				return
			}
		}
	}
}
