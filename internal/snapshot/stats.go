package snapshot

import (
	"time"

	"lsapi"
)

// Stats is the state of a Snapshot.
type Stats struct {
	// Listed is whether there has been a whole listing.
	Listed bool
	// Kinds are the listings, in the order of Options.Kinds.
	Kinds   []KindStats
	Pools   int
	Members int
	// Bytes is the size of the encoded answers.
	Bytes int
	// Idle is whether refreshes pause for lack of readers.
	Idle bool
	// Bound is the current maximum age of an answer about any kind: MaxStaleness, or more for
	// a large fleet.
	Bound time.Duration
	// Achieved is the maximum age of the fresh answers between the last two refreshes.
	Achieved time.Duration
	// HotAge and ColdAge are the ages of the oldest members of the hot and the other pools
	// that are polled; 0 without such pools. Members that were never read are as old as the
	// Snapshot.
	HotAge, ColdAge time.Duration
	// HotBound is the current maximum age of an answer about a hot pool, SweepEvery the
	// interval in which the sweep polls each of the others.
	HotBound, SweepEvery time.Duration
}

// KindStats is the state of the listing of a kind.
type KindStats struct {
	lsapi.KindListing
	// Age is the time since the begin of the last whole listing, or before one since New.
	Age time.Duration
}

// Stats returns the current state. It takes time for each pool.
func (s *Snapshot) Stats() Stats {
	stats := Stats{
		HotBound: time.Duration(s.polledBound.Load()), SweepEvery: s.o.SweepEvery,
	}
	now := time.Now()
	stats.Idle = s.isIdle(now)
	for _, l := range s.listingsOf("") {
		kind := KindStats{s.stateOf(l), now.Sub(s.started)}
		if !kind.AsOf.IsZero() {
			stats.Listed, kind.Age = true, time.Since(kind.AsOf)
		}
		stats.Kinds = append(stats.Kinds, kind)
		stats.Bound = max(stats.Bound, time.Duration(l.bound.Load()))
		stats.Achieved = max(stats.Achieved, time.Duration(l.achieved.Load()))
	}
	for _, sl := range *s.slots.Load() {
		if e := sl.current.Load(); e != nil {
			stats.Pools++
			stats.Members += len(e.members)
			stats.Bytes += len(e.Body)
		}
	}
	stats.HotAge = s.oldestOf(s.polledSlots(now, true), now)
	stats.ColdAge = s.oldestOf(s.polledSlots(now, false), now)
	return stats
}

// oldestOf returns the age of the oldest members of slots.
func (s *Snapshot) oldestOf(slots []*slot, now time.Time) (age time.Duration) {
	for _, sl := range slots {
		read := s.started
		if e := sl.current.Load(); e != nil {
			read = e.AsOf
		}
		age = max(age, now.Sub(read))
	}
	return age
}
