package snapshot

import (
	"slices"
	"sync"

	"lsapi"
)

// locations are the slots that have each instance as a member: a search must not look at
// every member of the region.
type locations struct {
	mu    sync.RWMutex
	slots map[string][]*slot
}

// of returns the slots of an instance. The caller must not modify them.
func (l *locations) of(instanceID string) []*slot {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.slots[instanceID]
}

// move replaces the members of a slot. The lock of the slot must be held.
func (l *locations) move(sl *slot, from, to []lsapi.Member) {
	if len(from) == len(to) && (len(to) == 0 || &from[0] == &to[0]) {
		return
	}
	before, after := instanceSet(from), instanceSet(to)
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range before {
		if !after[id] {
			l.remove(id, sl)
		}
	}
	for id := range after {
		if !before[id] {
			l.slots[id] = append(slices.Clip(l.slots[id]), sl) // a reader may hold the old ones
		}
	}
}

// remove removes a slot of an instance. mu must be held.
func (l *locations) remove(id string, sl *slot) {
	rest := slices.DeleteFunc(slices.Clone(l.slots[id]), func(other *slot) bool { return other == sl })
	if len(rest) == 0 {
		delete(l.slots, id)
		return
	}
	l.slots[id] = rest
}

func instanceSet(members []lsapi.Member) map[string]bool {
	set := make(map[string]bool, len(members))
	for i := range members {
		if members[i].ID.IsInstance() {
			set[members[i].ID.Instance] = true
		}
	}
	return set
}
