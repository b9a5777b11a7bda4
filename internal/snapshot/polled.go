package snapshot

import (
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
	oldest, at := s.oldestCold(now)
	if oldest == nil || s.isIdle(now) {
		return lsapi.PoolID{}, sweepPause
	}
	due := at.Add(s.o.SweepEvery - s.o.SweepEvery/sweepEarlyShare)
	if wait := due.Sub(now); wait > 0 {
		return lsapi.PoolID{}, min(wait, sweepPause)
	}
	oldest.polled.swept.Store(s.stamp(now))
	own, _ := s.o.PollRate()
	return oldest.pool, pollTime(1, own*sweepShare)
}

// oldestCold returns the slot that the sweep polls next, nil for none, and its sweptAt.
func (s *Snapshot) oldestCold(now time.Time) (oldest *slot, at time.Time) {
	for _, sl := range *s.slots.Load() {
		if !sl.polled.is.Load() || s.isHot(sl, now) {
			continue
		}
		if swept := s.sweptAt(sl); oldest == nil || swept.Before(at) {
			oldest, at = sl, swept
		}
	}
	return oldest, at
}

// sweptAt returns when a pool was last polled, or a poll was tried.
func (s *Snapshot) sweptAt(sl *slot) time.Time {
	at := s.at(sl.polled.swept.Load())
	if e := sl.current.Load(); e != nil && e.AsOf.After(at) {
		at = e.AsOf
	}
	return at
}
