package snapshot

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lsapi"
)

// slot holds the current entry of a pool. Its lock serializes the publishers.
type slot struct {
	pool        lsapi.PoolID
	publishing  sync.Mutex
	dead        bool // dropped; guarded by publishing
	current     atomic.Pointer[entry]
	description atomic.Pointer[lsapi.Description] // nil before the first listing
	polled      polled
}

// entry is the immutable state of a pool.
type entry struct {
	lsapi.EncodedList
	members []lsapi.Member
	shown   []lsapi.MemberID // the ids of the members as AWS returned them, without the overlay
	// health came with the members. Nil if the kind of pool has it apart.
	health *lsapi.HealthReport
	origin origin
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
