package account

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var testEpoch = time.Date(2025, time.January, 15, 9, 30, 0, 0, time.UTC)

func TestReadsLagAtMostAndNeverGoBack(t *testing.T) {
	const lag = 500 * time.Millisecond
	rapid.Check(t, func(rt *rapid.T) {
		a := New("us-east-1", lag, rapid.Uint64().Draw(rt, "seed"))
		now, shown := testEpoch, 0
		var resource Versions[int]
		var set []time.Time // when the state became 1, 2, 3, …
		for n := range rapid.IntRange(1, 40).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 200).Draw(rt, "milliseconds")) * time.Millisecond)
			if n == 0 || rapid.Bool().Draw(rt, "write") {
				set = append(set, now)
				resource.Set(len(set), now, lag)
				continue
			}
			got, at, _ := resource.Read(a.ReadAt(now))
			if got < shown {
				rt.Fatalf("a read shows state %d after one that showed %d", got, shown)
			}
			if got > 0 && set[got-1].After(at) {
				rt.Fatalf("a read as of %v shows a state of %v", at, set[got-1])
			}
			for _, later := range set[got:] {
				if now.Sub(later) > lag {
					rt.Fatalf("a state is not visible %v after it was set", now.Sub(later))
				}
			}
			shown = got
		}
	})
}

func TestOldVersionsAreDropped(t *testing.T) {
	var resource Versions[int]
	for n := range 100 {
		resource.Set(n, testEpoch.Add(time.Duration(n)*500*time.Millisecond), time.Second)
	}
	if got := len(resource.versions); got > 4 {
		t.Errorf("%d versions of a resource that changes twice a second, with a lag of a second", got)
	}
}

func TestDeletedResourceIsGoneAfterTheLag(t *testing.T) {
	var resource Versions[int]
	resource.Set(1, testEpoch, time.Second)
	deleted := testEpoch.Add(time.Minute)
	resource.Delete(deleted, time.Second)
	if _, ok := resource.Latest(); ok {
		t.Error("the deleted resource has an actual state")
	}
	if state, ok := resource.At(deleted.Add(-time.Nanosecond)); !ok || state != 1 {
		t.Error("a read before the deletion does not show the resource")
	}
	if resource.Gone(deleted.Add(999*time.Millisecond), time.Second) || !resource.Gone(deleted.Add(time.Second), time.Second) {
		t.Error("the resource must be gone after a second, not before")
	}
}
