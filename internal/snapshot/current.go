package snapshot

import (
	"time"

	"lsapi"
)

// current returns the pool's entry, nil before the first, and whether the pool is known to
// exist.
func (s *Snapshot) current(pool lsapi.PoolID) (e *entry, exists bool) {
	if sl := (*s.slots.Load())[pool]; sl != nil {
		return sl.current.Load(), true
	}
	return nil, false
}

// withinErrorBound reports whether an entry may be served while AWS cannot be read.
func (s *Snapshot) withinErrorBound(e *entry, now time.Time) bool {
	return e != nil && now.Sub(e.AsOf) <= s.o.MaxStaleOnError
}

// served updates the maximum age of fresh answers.
func (l *listing) served(age time.Duration) {
	for oldest := l.oldest.Load(); int64(age) > oldest; oldest = l.oldest.Load() {
		if l.oldest.CompareAndSwap(oldest, int64(age)) {
			return
		}
	}
}

// noteReadOf updates the time of the last read of a pool, which may be unknown, and of all.
func (s *Snapshot) noteReadOf(pool lsapi.PoolID, now time.Time) {
	s.noteRead(now)
	if sl := (*s.slots.Load())[pool]; sl != nil {
		sl.noteRead(s.stamp(now))
	}
}

// noteRead updates the time of the last read, and wakes the refresh loops.
func (s *Snapshot) noteRead(now time.Time) {
	last := s.lastRead.Load()
	if s.stamp(now)-last < int64(noteReadEvery) {
		return
	}
	if s.isIdle(now) {
		s.resumed.Store(s.stamp(now)) // before isIdle can return false
	}
	if s.lastRead.CompareAndSwap(last, s.stamp(now)) {
		s.refreshNow()
	}
}

// isIdle reports whether the last read is longer ago than IdleAfter.
func (s *Snapshot) isIdle(now time.Time) bool {
	return s.stamp(now)-s.lastRead.Load() > int64(s.o.IdleAfter)
}

// refreshNow wakes the loops.
func (s *Snapshot) refreshNow() {
	for _, l := range s.listings {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// boundOf returns the maximum age of a pool's answers.
func (s *Snapshot) boundOf(sl *slot) time.Duration {
	if sl.polled.is.Load() {
		return time.Duration(s.polledBound.Load())
	}
	return time.Duration(sl.listing.bound.Load())
}

// failedWithin returns the error of a pool's last read by name, if that has failed within a
// time. Many readers of a pool whose reads fail would use the budget up.
func (s *Snapshot) failedWithin(pool lsapi.PoolID, pause time.Duration) error {
	sl := (*s.slots.Load())[pool]
	if sl == nil {
		return nil
	}
	if failed := sl.failed.Load(); failed != nil && s.stamp(time.Now())-failed.at < int64(pause) {
		return failed.err
	}
	return nil
}

// release ends the waits for reads by name that began before other work had their effect.
func (s *Snapshot) release(began time.Time, result func(pool lsapi.PoolID) (done bool, err error)) {
	s.named.Release(began, result)
	s.searched.Release(began, result)
}
