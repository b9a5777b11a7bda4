package snapshot

import (
	"testing"
	"time"
	"unsafe"

	"lsapi"
)

// set returns a time as it is read while the wall clock is ahead, in whole seconds: its
// monotonic reading is the same.
func set(t time.Time, ahead time.Duration) time.Time {
	*(*uint64)(unsafe.Pointer(&t)) += uint64(ahead/time.Second) << 30 // see time.Time
	return t
}

func TestListingGrowsOldWhateverTheWallClockIsSetTo(t *testing.T) {
	for _, ahead := range []time.Duration{time.Hour, -time.Hour} {
		s := NewWithFakes(Options{MaxStaleness: time.Minute, MaxStaleOnError: 10 * time.Minute})
		now := time.Now()
		if then := set(now, ahead); then.Sub(now) != 0 || then.Round(0).Sub(now.Round(0)) != ahead {
			t.Fatalf("%v is not %v ahead of %v", then, ahead, now)
		}
		l := s.listings[lsapi.KindELB]
		s.merge(l, lsapi.SharedListing{Version: 1})
		s.publishFollowed(l, set(now, ahead))
		if !s.isListed(l, now.Add(30*time.Second)) {
			t.Errorf("%v ahead: the listing is old after 30 s", ahead)
		}
		if s.isListed(l, now.Add(2*time.Minute)) {
			t.Errorf("%v ahead: the listing is not old after 2 min", ahead)
		}
		if age := s.Stats().Kinds[0].Age; age < 0 || age > time.Minute {
			t.Errorf("%v ahead: its age is %v", ahead, age)
		}
	}
}

func TestTimeOfAStampHasTheCurrentWallClock(t *testing.T) {
	s := NewWithFakes(Options{})
	s.epoch = set(s.epoch, -time.Hour) // the clock was put right since
	now := time.Now()
	if got := s.at(s.stamp(now)); got.Round(0).Sub(now.Round(0)).Abs() > time.Minute {
		t.Errorf("%v is shown as %v", now, got)
	}
}
