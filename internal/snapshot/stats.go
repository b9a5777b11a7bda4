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
	// Age is the time since the asking for the last whole listing began; before there
	// is one, since the Snapshot was made.
	Age time.Duration
	// Bound is how old an answer may be now: MaxStaleness, or more for a fleet
	// that takes longer to list.
	Bound time.Duration
	// Achieved is how old the oldest answer was that was served as fresh between
	// the last two refreshes.
	Achieved time.Duration
}

// Stats looks at every load balancer.
func (s *Snapshot) Stats() Stats {
	stats := Stats{Bound: time.Duration(s.bound.Load()), Achieved: time.Duration(s.achieved.Load())}
	stats.Age = time.Since(s.started)
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
