package record

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestSteadyClockDoesNotJump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		right := time.Now()
		var c SteadyClock
		want := func(reads, want time.Time) {
			t.Helper()
			if got := c.At(reads); !got.Equal(want) {
				t.Errorf("when the clock reads %v: got %v, want %v", reads, got, want)
			}
		}
		want(right, right)
		want(right.Add(500*24*time.Hour), right)
		time.Sleep(time.Hour)
		want(right.Add(500*24*time.Hour), right.Add(time.Hour))
		want(right.Add(time.Hour), right.Add(time.Hour))
		want(right, right) // set back
		time.Sleep(time.Hour)
		want(right.Add(2*time.Hour), right.Add(2*time.Hour)) // and right again
		if c.Start(right) {
			t.Error("a clock starts once")
		}
	})
}
