package snapshot_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
)

// behindANamedRead calls read while a named read is under way that began before, so
// that the region's listing is what satisfies it.
func (r *region) behindANamedRead(t *testing.T, read func()) {
	t.Helper()
	r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
	r.aws.change(func(f *fakeAWS) { f.slow["Members"] = 5 * time.Second })
	var earlier sync.WaitGroup
	earlier.Go(func() { r.read(t, lsapi.ELB("web"), true) })
	synctest.Wait()
	calls := r.aws.count("Members")
	time.Sleep(10 * time.Millisecond)
	read()
	if n := r.aws.count("Members") - calls; n > 0 {
		t.Errorf("it took %d named reads, want an answer by the listing", n)
	}
	earlier.Wait()
}

// attachElsewhere puts a change by another replica on record, which AWS does not show.
func (r *region) attachElsewhere(members ...lsapi.MemberID) {
	r.onCatchUp(func(_ context.Context, pool lsapi.PoolID) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.overlay[pool] = members
		return nil
	})
}

func TestFreshReadAnsweredByAListingShowsTheChangesOfOtherReplicas(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.behindANamedRead(t, func() {
			r.attachElsewhere(lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-2"))
			if got, _ := r.read(t, lsapi.ELB("web"), true); got != "i-1:t2.micro i-2:" {
				t.Errorf("a fresh read after the change got %q", got)
			}
		})
	})
}

func TestFreshReadAnsweredByNameShowsTheChangesOfOtherReplicas(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	aws.set(lsapi.ELB("other"), lsapi.InstanceMember("i-2"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		r.attachElsewhere(lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-2"))
		if got, _ := r.read(t, lsapi.ELB("web"), true); got != "i-1:t2.micro i-2:t2.micro" {
			t.Errorf("a fresh read after the change got %q", got)
		}
	})
}

// A read that several readers share is fresh if one of them needs that, whichever
// comes first.
func TestFreshReadDoesNotShowAChangeThatTheRecordHasEnded(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.mu.Lock()
		r.overlay[lsapi.ELB("web")] = []lsapi.MemberID{lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-2")}
		r.mu.Unlock()
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro i-2:")
		r.onCatchUp(func(_ context.Context, pool lsapi.PoolID) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			delete(r.overlay, pool)
			return nil
		})
		if got, _ := r.read(t, lsapi.ELB("web"), true); got != "i-1:t2.micro" {
			t.Errorf("a fresh read got %q", got)
		}
	})
}

func TestFreshReaderCatchesUpAlone(t *testing.T) {
	for _, order := range [][]bool{{false, true}, {true, false}} {
		aws := newFakeAWS()
		aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
		aws.slow["LoadBalancers"] = 2 * time.Second
		inBubble(t, aws, func(t *testing.T, r *region) {
			aws.change(func(f *fakeAWS) { f.slow["Members"] = time.Second })
			var readers sync.WaitGroup
			readers.Go(func() { r.read(t, lsapi.ELB("web"), false) })
			synctest.Wait() // that one is under way: the others share the next
			r.attachElsewhere(lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-2"))
			for _, fresh := range order {
				readers.Go(func() {
					if got, _ := r.read(t, lsapi.ELB("web"), fresh); fresh && got != "i-1:t2.micro i-2:" {
						t.Errorf("in the order %v the fresh read got %q", order, got)
					}
				})
				synctest.Wait()
			}
			readers.Wait()
		})
	}
}

func TestFreshReadIsNotAnsweredByAListingThatBeganBefore(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.behindANamedRead(t, func() {
			aws.change(func(f *fakeAWS) { f.slow["LoadBalancers"] = 500 * time.Millisecond })
			for listings := aws.count("LoadBalancers"); aws.count("LoadBalancers") == listings; {
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(10 * time.Millisecond) // a listing is under way
			arrived := time.Now()
			got, err := r.Read(t.Context(), lsapi.ELB("web"), true)
			if err != nil || got.AsOf.Before(arrived) {
				t.Errorf("it rests on what was asked for %v before, %v", arrived.Sub(got.AsOf), err)
			}
		})
	})
}

func TestReadThatIsNotFreshNeedsNoRecord(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.onCatchUp(func(context.Context, lsapi.PoolID) error {
			t.Error("the record is read")
			return nil
		})
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
	})
}

func TestFreshReadFailsWhileTheRecordIsUnavailable(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.behindANamedRead(t, func() {
			r.onCatchUp(func(context.Context, lsapi.PoolID) error {
				return lsapi.Errorf(lsapi.CodeUnavailable, "the record is unavailable")
			})
			if got, _ := r.read(t, lsapi.ELB("web"), true); got != "!unavailable" {
				t.Errorf("a fresh read behind another got %q", got)
			}
		})
		r.aws.change(func(f *fakeAWS) { f.slow["Members"] = 0 })
		if got, _ := r.read(t, lsapi.ELB("web"), true); got != "!unavailable" {
			t.Errorf("a fresh read by name got %q", got)
		}
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro") // other reads go on
	})
}

func TestFreshReadEndsWhileTheRecordHangs(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.behindANamedRead(t, func() {
			r.onCatchUp(func(ctx context.Context, _ lsapi.PoolID) error {
				<-ctx.Done()
				return &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
			})
			if got, _ := r.read(t, lsapi.ELB("web"), true); got != "!timeout" {
				t.Errorf("a fresh read got %q", got)
			}
		})
		r.aws.change(func(f *fakeAWS) { f.slow["Members"] = 0 })
		for range 20 { // the listings do not wait for the record
			if got, age := r.read(t, lsapi.ELB("web"), false); got != "i-1:t2.micro" || age > maxStaleness {
				t.Errorf("another read got %q, %v old", got, age)
			}
			time.Sleep(500 * time.Millisecond)
		}
	})
}

// A name that no listing has had may have been created since: with only stale data that
// is unknown.
func TestUnknownNameIsUnavailableWhileAWSFails(t *testing.T) {
	for _, code := range []lsapi.Code{lsapi.CodeUpstream, lsapi.CodeForbidden, lsapi.CodeTimeout} {
		aws := newFakeAWS()
		aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
		inBubble(t, aws, func(t *testing.T, r *region) {
			r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
			r.wantRead(t, lsapi.ELB("never"), "!not_found")
			aws.change(func(f *fakeAWS) {
				for _, op := range []string{"LoadBalancers", "Members"} {
					f.fail[op] = &lsapi.Error{Code: code}
				}
			})
			r.wantRead(t, lsapi.ELB("never"), "!not_found") // the last listing is within the bound
			time.Sleep(10 * time.Second)
			r.wantRead(t, lsapi.ELB("never"), "!unavailable")
		})
	}
}

func TestReadOfAnUnknownNameEndsWithItsDeadline(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		aws.change(func(f *fakeAWS) { f.slow["LoadBalancers"], f.slow["Members"] = time.Hour, time.Hour })
		time.Sleep(10 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.Read(ctx, lsapi.ELB("never"), false); lsapi.ErrorCode(err) != lsapi.CodeTimeout {
			t.Errorf("it returned %v", err)
		}
	})
}

func TestFirstReadHasTheCodeOfAWSsFailure(t *testing.T) {
	aws := newFakeAWS()
	inBubble(t, aws, func(t *testing.T, r *region) {
		aws.change(func(f *fakeAWS) {
			f.fail["LoadBalancers"], f.fail["Members"] = &lsapi.Error{Code: lsapi.CodeForbidden}, &lsapi.Error{Code: lsapi.CodeForbidden}
		})
		r.wantRead(t, lsapi.ELB("web"), "!forbidden")
	})
}
