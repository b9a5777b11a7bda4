package snapshot

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"lsapi"
)

// Pools that AWS lists without their members are polled, each by a call of its own. The hot
// ones, which were read lately, are polled as often as the rate of polls allows. A sweep
// polls the others. The Poller takes from here what to poll, and returns the reports by
// Reported.

// polled is the state of a pool that is polled.
type polled struct {
	is       atomic.Bool
	lastRead atomic.Int64 // as a stamp
	swept    atomic.Int64 // the last try of the sweep, as a stamp
}

// noteRead updates the time of the last read.
func (p *polled) noteRead(now int64) {
	if now-p.lastRead.Load() >= int64(noteReadEvery) {
		p.lastRead.Store(now)
	}
}

// isHot reports whether the pool was read within IdleAfter.
func (s *Snapshot) isHot(sl *slot, now time.Time) bool {
	return sl.polled.is.Load() && s.stamp(now)-sl.polled.lastRead.Load() <= int64(s.o.IdleAfter)
}

// boundOf returns the maximum age of a pool's answers.
func (s *Snapshot) boundOf(sl *slot) time.Duration {
	if sl.polled.is.Load() {
		return time.Duration(s.polledBound.Load())
	}
	return time.Duration(s.bound.Load())
}

// apart separates the pools without members, and stores their descriptions.
func (s *Snapshot) apart(page []lsapi.Pool) (listed, unlisted []lsapi.Pool) {
	if !slices.ContainsFunc(page, func(p lsapi.Pool) bool { return p.MembersUnlisted }) {
		return page, nil
	}
	var ids []lsapi.PoolID
	for _, p := range page {
		if p.MembersUnlisted {
			unlisted, ids = append(unlisted, p), append(ids, p.ID)
		} else {
			listed = append(listed, p)
		}
	}
	for i, sl := range s.slotsFor(ids...) {
		sl.description.Store(unlisted[i].Description)
		sl.polled.is.Store(true)
	}
	return listed, unlisted
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

// Reported takes a report of a pool's health. One that is whole has the members too: it
// publishes them, after a lookup of unknown instances in the background. The Observer
// receives those of this process's own polls.
func (s *Snapshot) Reported(report lsapi.HealthReport, own bool) {
	if !report.Whole {
		return
	}
	ids := membersIn(report.Members)
	if own {
		s.o.Observer.Observe(report.Pool, lsapi.PoolRead{Members: ids, Incarnation: report.Incarnation}, report.AsOf)
	}
	if s.facts.missing(instancesOf(s.o.Overlay.Over(report.Pool, ids, report.AsOf))) == nil {
		s.publishReport(ids, &report)
		return
	}
	s.work.Go(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, namedTimeout)
		defer cancel()
		if s.facts.ensure(ctx, s.o.AWS, instancesOf(s.o.Overlay.Over(report.Pool, ids, report.AsOf))) == nil {
			s.publishReport(ids, &report)
		} // else the next report tries again
	})
}

// publishReport publishes a report, unless its pool has been deleted, or the overlay may no
// longer hold the changes since.
func (s *Snapshot) publishReport(ids []lsapi.MemberID, report *lsapi.HealthReport) {
	sl := (*s.slots.Load())[report.Pool]
	if sl == nil || time.Since(report.AsOf) > maxPageAge {
		return
	}
	s.publish(sl, ids, report, report.AsOf)
	s.named.Release(report.AsOf, func(pool lsapi.PoolID) (done bool, err error) { return pool == report.Pool, nil })
}

// reportOf returns the health that came with a read; nil if none did.
func reportOf(pool lsapi.PoolID, read lsapi.PoolRead, began time.Time) *lsapi.HealthReport {
	if read.Health == nil {
		return nil
	}
	members := slices.Clone(read.Health)
	slices.SortFunc(members, func(a, b lsapi.MemberHealth) int { return a.Member.Compare(b.Member) })
	return &lsapi.HealthReport{Pool: pool, Members: members, Whole: true, Incarnation: read.Incarnation, AsOf: began}
}

// membersIn returns the members that do not drain.
func membersIn(health []lsapi.MemberHealth) []lsapi.MemberID {
	ids := make([]lsapi.MemberID, 0, len(health))
	for i := range health {
		if !health[i].Draining {
			ids = append(ids, health[i].Member)
		}
	}
	return ids
}
