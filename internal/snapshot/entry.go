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
	listing     *listing // of its kind
	publishing  sync.Mutex
	dead        bool // dropped; guarded by publishing
	current     atomic.Pointer[entry]
	description atomic.Pointer[lsapi.Description] // nil before the first listing
	polled      polled
	failed      atomic.Pointer[failure] // the last read by name, if no later read has succeeded
	checked     atomic.Int64            // the last read because a listing lacked it, as a stamp
}

// failure is a read by name that failed.
type failure struct {
	err error
	at  int64 // its end, as a stamp
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

// polled is the state of a pool that is polled.
type polled struct {
	is       atomic.Bool
	lastRead atomic.Int64 // as a stamp
	swept    atomic.Int64 // the last try of the sweep, as a stamp
}

// noteRead updates the time of the last read, a stamp, if the pool is polled.
func (sl *slot) noteRead(now int64) {
	if sl.polled.is.Load() && now-sl.polled.lastRead.Load() >= int64(noteReadEvery) {
		sl.polled.lastRead.Store(now)
	}
}

// sweepQueue are the pools that are due for the sweep, oldest first. A search for the oldest
// for each poll would cost more than the polls of a large fleet.
type sweepQueue struct {
	mu   sync.Mutex
	due  []*slot
	next time.Time // of the search for those that are due
}
