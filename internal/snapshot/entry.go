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
	current    atomic.Pointer[entry]
}

// entry is what is known of a load balancer. It is never changed.
type entry struct {
	lsapi.Representation
	members []lsapi.Instance
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

// drop forgets a load balancer that a read from began on did not find.
func (s *Snapshot) drop(name string, began time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := *s.slots.Load()
	sl := known[name]
	if sl == nil {
		return
	}
	if e := sl.current.Load(); e != nil && e.AsOf.After(began) {
		return // a later read found it
	}
	known = maps.Clone(known)
	delete(known, name)
	s.slots.Store(&known)
}

// publish shows readers the members that a read from began on found. What a
// later read found stays.
func (s *Snapshot) publish(sl *slot, ids []string, began time.Time) {
	sl.publishing.Lock()
	defer sl.publishing.Unlock()
	old := sl.current.Load()
	if old != nil && !began.After(old.AsOf) {
		return
	}
	s.store(sl, old, s.facts.of(s.o.Overlay(sl.name, ids, began)), began)
}

// Applied shows readers a change of a membership at once. It is told after the
// overlay has it, so that a read that is under way does not undo it.
func (s *Snapshot) Applied(loadBalancer string, instance lsapi.Instance, action lsapi.Action) {
	sl := (*s.slots.Load())[loadBalancer]
	if sl == nil {
		return
	}
	s.facts.learn(instance)
	sl.publishing.Lock()
	defer sl.publishing.Unlock()
	old := sl.current.Load()
	if old == nil {
		return
	}
	members := slices.DeleteFunc(slices.Clone(old.members), func(m lsapi.Instance) bool { return m.ID == instance.ID })
	if action == lsapi.Attach {
		members = append(members, instance)
	}
	s.store(sl, old, members, old.AsOf)
}

// store encodes an entry unless it says what the old one says.
func (s *Snapshot) store(sl *slot, old *entry, members []lsapi.Instance, asOf time.Time) {
	next := new(entry)
	if old != nil && slices.Equal(old.members, members) {
		*next = *old
	} else {
		*next = entry{s.o.Encode(members), members}
	}
	next.AsOf = asOf
	sl.current.Store(next)
}
