package snapshot

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lsapi"
)

// slot holds the current entry of a load balancer. Its lock serializes the publishers.
type slot struct {
	pool       lsapi.PoolID
	publishing sync.Mutex
	dead       bool // dropped; guarded by publishing
	current    atomic.Pointer[entry]
}

// entry is the immutable state of a load balancer.
type entry struct {
	lsapi.EncodedList
	members     []lsapi.Instance
	shown       []lsapi.MemberID   // the ids of the members as AWS returned them, without the overlay
	description *lsapi.Description // nil before the first listing
	origin      origin
	// wanted is when the first reader began to wait for a newer entry, as a stamp; 0 before.
	// Entries with the same AsOf share it.
	wanted *atomic.Int64
}

// origin is the input of an entry's members. The same input gives the same members, which
// saves a look at each.
type origin struct {
	ids   []lsapi.MemberID
	facts int64 // their revision, or noRevision
}

// isOf reports whether the ids, with facts of the revision, are the same input.
func (o origin) isOf(ids []lsapi.MemberID, revision int64) bool {
	return o.facts == revision && slices.Equal(o.ids, ids)
}

// slotsFor returns the slots of the load balancers, and adds the missing ones.
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
			known[pool] = &slot{pool: pool}
		}
		result[i] = known[pool]
	}
	if copied {
		s.slots.Store(&known)
	}
	return result
}

// drop removes a load balancer that a read from began on did not find, unless a later read
// found it.
func (s *Snapshot) drop(pool lsapi.PoolID, began time.Time) (dropped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := *s.slots.Load()
	sl := known[pool]
	if sl == nil || !sl.close(began) {
		return false
	}
	known = maps.Clone(known)
	delete(known, pool)
	s.slots.Store(&known)
	return true
}

// close makes the slot reject entries, unless it holds one of a later read.
func (sl *slot) close(began time.Time) bool {
	sl.publishing.Lock()
	defer sl.publishing.Unlock()
	if e := sl.current.Load(); e != nil && e.AsOf.After(began) {
		return false
	}
	sl.dead = true
	return true
}

// publish replaces an entry with the result of a read from began on, unless a later read
// has done so.
func (s *Snapshot) publish(sl *slot, lb lsapi.Pool, began time.Time) {
	s.update(sl, func(sl *slot, old *entry) {
		if old == nil || began.After(old.AsOf) {
			e := s.made(s.o.Overlay.Over(sl.pool, lb.Members, began), old)
			e.shown = lb.Members
			if lb.Description != nil {
				e.description = lb.Description
			}
			sl.store(e, began)
		}
	})
}

// made returns an entry of the instances, or the old one if it is the same.
func (s *Snapshot) made(ids []lsapi.MemberID, old *entry) entry {
	if old != nil && old.origin.isOf(ids, s.facts.revision.Load()) {
		return *old
	}
	members, revision := s.facts.of(instancesOf(ids))
	e := s.encoded(members, old)
	e.origin = origin{ids, revision}
	return e
}

// encoded returns an entry of the members, or the old one if it has the same.
func (s *Snapshot) encoded(members []lsapi.Instance, old *entry) entry {
	if old != nil && slices.Equal(old.members, members) {
		return *old
	}
	e := entry{EncodedList: s.o.Encode(members), members: members}
	if old != nil {
		e.shown, e.description = old.shown, old.description
	}
	return e
}

// Applied shows changes of a membership in its entry, as far as the overlay has them and the
// entry's read may lack them. So it does not matter how late it is called, and in which
// order.
func (s *Snapshot) Applied(pool lsapi.PoolID, attached, _ []lsapi.Instance) {
	attached = s.facts.merge(attached)
	// A load balancer without an entry gets a slot: it is known to exist.
	s.update(s.slotsFor(pool)[0], func(sl *slot, old *entry) {
		if old == nil {
			return
		}
		is := make(map[lsapi.MemberID]bool, len(old.members)+len(attached))
		for _, id := range s.o.Overlay.Over(pool, membersOf(old.members), old.AsOf) {
			is[id] = true
		}
		members := slices.DeleteFunc(slices.Clone(attached), func(m lsapi.Instance) bool { return !is[lsapi.InstanceMember(m.ID)] })
		for _, m := range members {
			delete(is, lsapi.InstanceMember(m.ID))
		}
		others := slices.DeleteFunc(slices.Clone(old.members), func(m lsapi.Instance) bool { return !is[lsapi.InstanceMember(m.ID)] })
		e := s.encoded(append(others, members...), old)
		e.origin = origin{facts: noRevision}
		sl.store(e, old.AsOf)
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
func (sl *slot) store(e entry, asOf time.Time) {
	if old := sl.current.Load(); old != nil && asOf.Equal(old.AsOf) {
		e.wanted = old.wanted
	} else {
		e.wanted = new(atomic.Int64)
	}
	e.AsOf = asOf
	sl.current.Store(&e)
}
