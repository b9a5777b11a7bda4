package snapshot_test

import (
	"sync"
	"testing"
	"time"

	"lsapi"
)

// patience is how long readers wait for a newer answer than a bearable one.
const patience = time.Second

// hang makes AWS answer nothing while a reader waits.
func (f *fakeAWS) hang() {
	f.change(func(f *fakeAWS) { f.slow["LoadBalancers"], f.slow["Members"] = time.Hour, time.Hour })
}

// slow makes AWS answer, but later than readers wait.
func slow(f *fakeAWS) { f.slow["LoadBalancers"], f.slow["Members"] = 10*time.Second, 10*time.Second }

// wantOld reads a list that is older than the bound, and returns how long that took.
func (r *region) wantOld(t *testing.T, want string) (took time.Duration) {
	t.Helper()
	began := time.Now()
	got, age := r.read(t, lsapi.ELB("web"), false)
	if got != want || age <= maxStaleness {
		t.Errorf("%q is read, %v old, want %q and its true age", got, age, want)
	}
	return time.Since(began)
}

func TestReadersOfAnEntryWaitOnceTogether(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		aws.hang()
		time.Sleep(2 * maxStaleness)
		var readers sync.WaitGroup
		readers.Go(func() { // a change of ours makes the list no newer
			time.Sleep(patience / 8)
			r.Applied(lsapi.ELB("web"), nil, nil)
		})
		for late := time.Duration(0); late < 2*patience; late += patience / 4 {
			readers.Go(func() {
				time.Sleep(late)
				if took, want := r.wantOld(t, "i-1:t2.micro"), max(0, patience-late); took != want {
					t.Errorf("who came %v after the first waited %v, want %v", late, took, want)
				}
			})
		}
		readers.Wait()
		if got, err := r.Remembered(lsapi.ELB("web")); got == nil || err != nil {
			t.Errorf("a later reader gets nothing from memory: %v, %v", got, err)
		}
	})
}

func TestReadersWaitAgainAfterANewerAnswer(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		for range 3 {
			aws.change(slow)
			time.Sleep(2 * maxStaleness)
			if took := r.wantOld(t, "i-1:t2.micro"); took != patience {
				t.Errorf("the first reader waited %v, want %v", took, patience)
			}
			// A change of ours is shown at once, and is no answer of AWS.
			r.Applied(lsapi.ELB("web"), membersOf(lsapi.Instance{ID: "i-2", Type: "t3.nano"}), nil)
			if took := r.wantOld(t, "i-1:t2.micro i-2:t3.nano"); took != 0 {
				t.Errorf("the second reader waited %v", took)
			}
			aws.change(func(f *fakeAWS) { clear(f.slow) })
			time.Sleep(15 * time.Second)
			r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
			time.Sleep(maxStaleness) // a whole listing is there
		}
	})
}

func TestGivingUpCountsForTheWholeRegion(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	aws.set(lsapi.ELB("api"), lsapi.InstanceMember("i-2"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		for range 2 { // AWS becomes slow, and quick again
			r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
			r.wantRead(t, lsapi.ELB("api"), "i-2:t2.micro")
			time.Sleep(maxStaleness) // a whole listing is there
			aws.change(slow)
			time.Sleep(2 * maxStaleness)
			if took := r.wantOld(t, "i-1:t2.micro"); took != patience {
				t.Errorf("the first reader waited %v, want %v", took, patience)
			}
			if api, err := r.Remembered(lsapi.ELB("api")); api == nil || err != nil {
				t.Errorf("the reader of another list gets %v, %v, and waits", api, err)
			}
			aws.change(func(f *fakeAWS) { clear(f.slow) })
			time.Sleep(15 * time.Second)
		}
	})
}

func TestFreshReadersAlwaysWait(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		aws.hang()
		time.Sleep(2 * maxStaleness)
		r.wantOld(t, "i-1:t2.micro")
		r.wantOld(t, "i-1:t2.micro")
		began := time.Now()
		if got, _ := r.read(t, lsapi.ELB("web"), true); got != "!timeout" || time.Since(began) <= patience {
			t.Errorf("who wants fresh data reads %q after %v", got, time.Since(began))
		}
	})
}

func TestGivingUpBeforeAnIdleTimeServesNoOldAnswer(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	const idleAfter = 10 * time.Second
	inBubbleIdle(t, aws, idleAfter, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		aws.change(func(f *fakeAWS) {
			for _, op := range []string{"LoadBalancers", "Members"} {
				f.slow[op], f.fail[op] = 2*idleAfter, lsapi.Errorf(lsapi.CodeThrottled, "")
			}
		})
		time.Sleep(2 * maxStaleness)
		r.wantOld(t, "i-1:t2.micro")
		if took := r.wantOld(t, "i-1:t2.micro"); took != 0 {
			t.Errorf("patience is not spent: the second reader waited %v", took)
		}
		time.Sleep(4 * idleAfter)
		aws.change(func(f *fakeAWS) { clear(f.slow); clear(f.fail) })
		aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-2"))
		if got, age := r.read(t, lsapi.ELB("web"), false); got != "i-1:t2.micro i-2:t2.micro" || age > maxStaleness {
			t.Errorf("got %q, %v old", got, age)
		}
	})
}

func TestGivingUpServesNothingBeyondTheErrorBound(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		read := time.Now()
		aws.hang()
		time.Sleep(2 * maxStaleness)
		r.wantOld(t, "i-1:t2.micro")
		time.Sleep(maxStaleOnError - time.Since(read) - time.Second)
		if took := r.wantOld(t, "i-1:t2.micro"); took != 0 {
			t.Errorf("who reads just before it is too old waits %v", took)
		}
		time.Sleep(2 * time.Second)
		r.wantRead(t, lsapi.ELB("web"), "!unavailable")
	})
}
