package snapshot

import (
	"slices"
	"time"

	"lsapi"
)

// Pools that AWS lists without their members are polled, each by a call of its own. The hot
// ones, which were read lately, are polled as often as the rate of polls allows. A sweep
// polls the others. The Poller takes from here what to poll, and returns the reports by
// Reported.

// isHot reports whether the pool was read within IdleAfter.
func (s *Snapshot) isHot(sl *slot, now time.Time) bool {
	return sl.polled.is.Load() && s.stamp(now)-sl.polled.lastRead.Load() <= int64(s.o.IdleAfter)
}

// polledOnly returns those of the instances that are members of pools that are polled.
func (s *Snapshot) polledOnly(instances []string) []string {
	return slices.DeleteFunc(instances, func(id string) bool {
		return !slices.ContainsFunc(s.locations.of(id), func(sl *slot) bool { return sl.polled.is.Load() })
	})
}

// polledSlots returns the slots of the pools that are polled, by whether they are hot.
func (s *Snapshot) polledSlots(now time.Time, hot bool) (found []*slot) {
	for _, sl := range *s.slots.Load() {
		if sl.polled.is.Load() && s.isHot(sl, now) == hot {
			found = append(found, sl)
		}
	}
	return found
}

// Hot returns the hot pools, and the interval of their polls: within MaxStaleness, or longer
// if there are too many for the rate of polls. The bound of their answers follows it.
func (s *Snapshot) Hot() (pools []lsapi.PoolID, every time.Duration) {
	now := time.Now()
	for _, sl := range s.polledSlots(now, true) {
		pools = append(pools, sl.pool)
	}
	_, all := s.o.PollRate() // one replica polls a hot pool for all
	every = max(s.o.MaxStaleness*3/4, pollTime(len(pools), all*(1-sweepShare)))
	s.polledBound.Store(int64(max(s.o.MaxStaleness, every*3/2)))
	return pools, every
}

// pollTime returns the duration of n polls at a rate.
func pollTime(n int, perSecond float64) time.Duration {
	return time.Duration(float64(n) / max(perSecond, minPollRate) * float64(time.Second))
}

// NextToSweep returns the pool whose last poll or try is the oldest, if it will soon be older
// than SweepEvery, and the pause until the next call.
func (s *Snapshot) NextToSweep() (pool lsapi.PoolID, pause time.Duration) {
	now := time.Now()
	if s.isIdle(now) {
		return lsapi.PoolID{}, sweepPause
	}
	q := &s.sweep
	q.mu.Lock()
	defer q.mu.Unlock()
	if !now.Before(q.next) {
		q.due, q.next = s.dueForSweep(now), now.Add(sweepPause)
	}
	for len(q.due) > 0 {
		sl := q.due[0]
		q.due = q.due[1:]
		if !s.isHot(sl, now) && s.isDue(sl, now) { // it may have been read since
			sl.polled.swept.Store(s.stamp(now))
			return sl.pool, s.sweepTime(1)
		}
	}
	return lsapi.PoolID{}, q.next.Sub(now)
}

// sweepTime returns the duration of n polls of the sweep.
func (s *Snapshot) sweepTime(n int) time.Duration {
	own, _ := s.o.PollRate()
	return pollTime(n, own*sweepShare)
}

// dueForSweep returns the slots of the cold pools that are due, oldest first.
func (s *Snapshot) dueForSweep(now time.Time) []*slot {
	due := slices.DeleteFunc(s.polledSlots(now, false), func(sl *slot) bool { return !s.isDue(sl, now) })
	slices.SortFunc(due, func(a, b *slot) int { return s.sweptAt(a, now).Compare(s.sweptAt(b, now)) })
	return due
}

// isDue reports whether a pool will soon be older than SweepEvery.
func (s *Snapshot) isDue(sl *slot, now time.Time) bool {
	return now.Sub(s.sweptAt(sl, now)) >= s.o.SweepEvery-s.o.SweepEvery/sweepEarlyShare
}

// sweptAt returns when a pool was last polled, or a poll was tried.
func (s *Snapshot) sweptAt(sl *slot, now time.Time) time.Time {
	at := now.Add(time.Duration(sl.polled.swept.Load() - s.stamp(now)))
	if e := sl.current.Load(); e != nil && e.AsOf.After(at) {
		at = e.AsOf
	}
	return at
}
