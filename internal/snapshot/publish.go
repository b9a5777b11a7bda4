package snapshot

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"lsapi"
)

// slotsFor returns the slots of the pools, and adds the missing ones. Their kinds must be
// served.
func (s *Snapshot) slotsFor(pools ...lsapi.PoolID) []*slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := *s.slots.Load()
	copied := false
	result := make([]*slot, len(pools))
	for i, pool := range pools {
		if known[pool] == nil {
			if !copied {
				known, copied = maps.Clone(known), true
			}
			if known == nil {
				known = make(map[lsapi.PoolID]*slot)
			}
			known[pool] = &slot{pool: pool, listing: s.listings[pool.Kind]}
		}
		result[i] = known[pool]
	}
	if copied {
		s.slots.Store(&known)
	}
	return result
}

// drop removes a pool that a read from began on did not find, unless a later read found
// it.
func (s *Snapshot) drop(pool lsapi.PoolID, began time.Time) (dropped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := *s.slots.Load()
	sl := known[pool]
	if sl == nil || !s.close(sl, began) {
		return false
	}
	known = maps.Clone(known)
	delete(known, pool)
	s.slots.Store(&known)
	return true
}

// close makes a slot reject entries, unless it holds one of a later read.
func (s *Snapshot) close(sl *slot, began time.Time) bool {
	sl.publishing.Lock()
	defer sl.publishing.Unlock()
	if e := sl.current.Load(); e != nil {
		if e.AsOf.After(began) {
			return false
		}
		s.locations.move(sl, e.members, nil)
	}
	sl.dead = true
	return true
}

// publish replaces an entry with the members that a read from began on found, and their
// health if it came with them, unless a later read has done so.
func (s *Snapshot) publish(sl *slot, ids []lsapi.MemberID, health *lsapi.HealthReport, began time.Time) {
	s.update(sl, func(sl *slot, old *entry) {
		if old == nil || began.After(old.AsOf) {
			if old != nil && slices.Equal(old.shown, ids) {
				ids = old.shown // and the origin's, in most entries
			}
			e := s.made(sl, s.o.Overlay.Over(sl.pool, ids, began), old)
			e.shown, e.health = ids, health
			s.store(sl, e, began)
			sl.failed.Store(nil)
			s.lastShown.Store(s.stamp(began)) // concurrent ones are about as late
		}
	})
}

// made returns an entry of the instances, or the old one if it is the same.
func (s *Snapshot) made(sl *slot, ids []lsapi.MemberID, old *entry) entry {
	if old != nil && old.origin.isOf(ids, s.facts.revision.Load()) {
		return *old
	}
	members, revision := s.facts.of(ids)
	e := s.encoded(sl, members, old)
	e.origin = origin{ids, revision}
	return e
}

// encoded returns an entry of the members, or the old one if it has the same. Pools that are
// polled have no encoded list.
func (s *Snapshot) encoded(sl *slot, members []lsapi.Member, old *entry) entry {
	if old != nil && slices.Equal(old.members, members) {
		return *old
	}
	e := entry{members: members}
	if !sl.polled.is.Load() {
		e.EncodedList = s.o.Encode(members)
	}
	if old != nil {
		e.shown, e.health = old.shown, old.health
	}
	return e
}

// Applied shows changes of a membership in its entry, as far as the overlay has them and the
// entry's read may lack them. So it does not matter how late it is called, and in which
// order.
func (s *Snapshot) Applied(pool lsapi.PoolID, attached, _ []lsapi.Member) {
	if s.listings[pool.Kind] == nil {
		return
	}
	attached = s.facts.merge(attached)
	// A pool without an entry gets a slot: it is known to exist.
	s.update(s.slotsFor(pool)[0], func(sl *slot, old *entry) {
		if old == nil {
			return
		}
		is := make(map[lsapi.MemberID]bool, len(old.members)+len(attached))
		for _, id := range s.o.Overlay.Over(pool, idsOf(old.members), old.AsOf) {
			is[id] = true
		}
		members := slices.DeleteFunc(slices.Clone(attached), func(m lsapi.Member) bool { return !is[m.ID] })
		for _, m := range members {
			delete(is, m.ID)
		}
		others := slices.DeleteFunc(slices.Clone(old.members), func(m lsapi.Member) bool { return !is[m.ID] })
		e := s.encoded(sl, append(others, members...), old)
		e.origin = origin{facts: noRevision}
		s.store(sl, e, old.AsOf)
	})
}

// update calls change with the slot locked. It replaces a slot that was closed meanwhile.
func (s *Snapshot) update(sl *slot, change func(sl *slot, old *entry)) {
	for {
		sl.publishing.Lock()
		if !sl.dead {
			change(sl, sl.current.Load())
			sl.publishing.Unlock()
			return
		}
		sl.publishing.Unlock()
		sl = s.slotsFor(sl.pool)[0]
	}
}

// store publishes an entry. publishing must be held.
func (s *Snapshot) store(sl *slot, e entry, asOf time.Time) {
	old := sl.current.Load()
	if old != nil && asOf.Equal(old.AsOf) {
		e.wanted = old.wanted
	} else {
		e.wanted = new(atomic.Int64)
	}
	e.AsOf = asOf
	sl.current.Store(&e)
	if old == nil {
		old = new(entry)
	}
	s.locations.move(sl, old.members, e.members)
}
