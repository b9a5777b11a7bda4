package snapshot

import "time"

// farPast is longer than any age that matters, so that the stamp 0 is too old for
// everything.
const farPast = 50 * 365 * 24 * time.Hour

// stamp returns a time as a number for atomics. It is on the monotonic clock, so that steps
// of the wall clock change no age.
func (s *Snapshot) stamp(t time.Time) int64 { return int64(t.Sub(s.epoch)) }

// at returns the time of a stamp, with the current wall clock.
func (s *Snapshot) at(stamp int64) time.Time {
	now := time.Now()
	return now.Add(time.Duration(stamp - s.stamp(now)))
}
