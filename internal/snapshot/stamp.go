package snapshot

import "time"

// farPast is longer before the start than any age that matters: a stamp of 0 is of a
// time that is too old for everything.
const farPast = 50 * 365 * 24 * time.Hour

// stamp is a time as it is kept in an atomic number. Unlike the Unix time it is of the
// monotonic clock, so that a wall clock that is set makes nothing older or younger.
func (s *Snapshot) stamp(t time.Time) int64 { return int64(t.Sub(s.epoch)) }

// at is the time of a stamp. Its wall clock is that of now.
func (s *Snapshot) at(stamp int64) time.Time {
	now := time.Now()
	return now.Add(time.Duration(stamp - s.stamp(now)))
}
