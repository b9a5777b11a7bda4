package snapshot

import "time"

// Stats is the state of a Snapshot.
type Stats struct {
	// Listed is whether there has been a whole listing.
	Listed  bool
	Pools   int
	Members int
	// Bytes is the size of the encoded answers.
	Bytes int
	// Age is the time since the begin of the last whole listing, or before one since New.
	Age time.Duration
	// Idle is whether refreshes pause for lack of readers.
	Idle bool
	// Bound is the current maximum age of an answer: MaxStaleness, or more for a large
	// fleet.
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

// Stats returns the current state. It takes time for each pool.
func (s *Snapshot) Stats() Stats {
	stats := Stats{
		Bound: time.Duration(s.bound.Load()), Achieved: time.Duration(s.achieved.Load()),
		HotBound: time.Duration(s.polledBound.Load()), SweepEvery: s.o.SweepEvery,
	}
	now := time.Now()
	stats.Age, stats.Idle = now.Sub(s.started), s.isIdle(now)
	if listed := s.listed.Load(); listed != 0 {
		stats.Listed, stats.Age = true, time.Since(s.at(listed))
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
