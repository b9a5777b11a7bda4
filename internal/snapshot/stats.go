package snapshot

import "time"

// Stats is the state of a Snapshot.
type Stats struct {
	// Listed is whether there has been a whole listing.
	Listed        bool
	LoadBalancers int
	Members       int
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
}

// Stats returns the current state. It takes time for each load balancer.
func (s *Snapshot) Stats() Stats {
	stats := Stats{Bound: time.Duration(s.bound.Load()), Achieved: time.Duration(s.achieved.Load())}
	stats.Age, stats.Idle = time.Since(s.started), s.isIdle(time.Now())
	if listed := s.listed.Load(); listed != 0 {
		stats.Listed, stats.Age = true, time.Since(s.at(listed))
	}
	for _, sl := range *s.slots.Load() {
		if e := sl.current.Load(); e != nil {
			stats.LoadBalancers++
			stats.Members += len(e.members)
			stats.Bytes += len(e.Body)
		}
	}
	return stats
}
