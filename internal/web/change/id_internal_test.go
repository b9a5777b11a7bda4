package change

import (
	"testing"
	"testing/synctest"
	"time"
)

// After a clock that was ahead is right again, the ids of changes stay ahead. (A bubble's
// clock reads the year 2000; outside it is later: that is the jump back.)
func TestChangeIDFollowsClockSetBack(t *testing.T) {
	if _, _, err := newID(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		_, at, err := newID()
		if err != nil {
			t.Fatal(err)
		}
		if ahead := time.Until(at); ahead > time.Second {
			t.Errorf("the id of a change is %v ahead of the clock", ahead)
		}
	})
}
