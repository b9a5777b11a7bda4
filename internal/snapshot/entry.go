package snapshot

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lsapi"
)

// slot is the place of one load balancer. Readers load its entry; whoever
// publishes one holds the lock.
type slot struct {
	name       string
	publishing sync.Mutex
	dead       bool // dropped; guarded by publishing
	current    atomic.Pointer[entry]
}

// entry is what is known of a load balancer. What it says is never changed.
type entry struct {
	lsapi.EncodedList
	members     []lsapi.Instance
	shown       []string           // the ids of the members as AWS returned them, without the overlay
	description *lsapi.Description // nil until a listing has told it
	origin      origin
	// wanted is since when readers have waited for an entry as of a later time, as
	// a stamp; 0 before one does. Entries as of the same time share it.
	wanted *atomic.Int64
}

// origin is what an entry's members were made of, so that it can be told without
// looking at each whether they would be the same again.
type origin struct {
	ids   []string
	facts int64 // their revision; noRevision when the members were not made of ids
}

// isOf reports whether the ids, with facts of the revision, make the same again.
func (o origin) isOf(ids []string, revision int64) bool {
	return o.facts == revision && slices.Equal(o.ids, ids)
}

// slotsFor returns the slots of the load balancers, making those that are new.
func (s *Snapshot) slotsFor(names ...string) []*slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := *s.slots.Load()
	copied := false
	result := make([]*slot, len(names))
	for i, name := range names {
		if known[name] == nil {
			if !copied {
				known, copied = maps.Clone(known), true
			}
			if known == nil {
				known = make(map[string]*slot)
			}
			known[name] = &slot{name: name}
		}
		result[i] = known[name]
	}
	if copied {
		s.slots.Store(&known)
	}
	return result
}

// drop forgets a load balancer that a read from began on did not find, unless a
// later one did.
func (s *Snapshot) drop(name string, began time.Time) (dropped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := *s.slots.Load()
	sl := known[name]
	if sl == nil || !sl.bury(began) {
		return false
	}
	known = maps.Clone(known)
	delete(known, name)
	s.slots.Store(&known)
	return true
}

// bury makes the slot refuse entries, unless it holds one of a later read.
func (sl *slot) bury(began time.Time) bool {
	sl.publishing.Lock()
	defer sl.publishing.Unlock()
	if e := sl.current.Load(); e != nil && e.AsOf.After(began) {
		return false
	}
	sl.dead = true
	return true
}

// publish shows readers what a read from began on found. What a later read found
// stays.
func (s *Snapshot) publish(sl *slot, lb lsapi.Pool, began time.Time) {
	s.update(sl, func(sl *slot, old *entry) {
		if old == nil || began.After(old.AsOf) {
			e := s.made(s.o.Overlay(sl.name, lb.Members, began), old)
			e.shown = lb.Members
			if lb.Description != nil {
				e.description = lb.Description
			}
			sl.store(e, began)
		}
	})
}

// made returns an entry of the instances: the old one if that is the same.
func (s *Snapshot) made(ids []string, old *entry) entry {
	if old != nil && old.origin.isOf(ids, s.facts.revision.Load()) {
		return *old
	}
	members, revision := s.facts.of(ids)
	e := s.encoded(members, old)
	e.origin = origin{ids, revision}
	return e
}

// encoded returns an entry of the members, encoded unless the old one says the
// same.
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

// Applied shows readers changes of a membership at once. It is told after the
// overlay has them, so that a read that is under way does not undo them.
func (s *Snapshot) Applied(loadBalancer string, attached, detached []lsapi.Instance) {
	attached = s.facts.learn(attached)
	// A load balancer that no read has found yet gets a slot all the same: it is
	// known to exist.
	s.update(s.slotsFor(loadBalancer)[0], func(sl *slot, old *entry) {
		if old == nil {
			return
		}
		changed := make(map[string]bool, len(attached)+len(detached))
		for _, instance := range slices.Concat(attached, detached) {
			changed[instance.ID] = true
		}
		members := slices.DeleteFunc(slices.Clone(old.members), func(m lsapi.Instance) bool { return changed[m.ID] })
		e := s.encoded(append(members, attached...), old)
		e.origin = origin{facts: noRevision}
		sl.store(e, old.AsOf)
	})
}

// update lets change store an entry, while nobody else does. A slot that was
// dropped meanwhile is replaced by a new one.
func (s *Snapshot) update(sl *slot, change func(sl *slot, old *entry)) {
	for {
		sl.publishing.Lock()
		if !sl.dead {
			change(sl, sl.current.Load())
			sl.publishing.Unlock()
			return
		}
		sl.publishing.Unlock()
		sl = s.slotsFor(sl.name)[0]
	}
}

// store shows an entry to readers. publishing must be held.
func (sl *slot) store(e entry, asOf time.Time) {
	if old := sl.current.Load(); old != nil && asOf.Equal(old.AsOf) {
		e.wanted = old.wanted
	} else {
		e.wanted = new(atomic.Int64)
	}
	e.AsOf = asOf
	sl.current.Store(&e)
}
