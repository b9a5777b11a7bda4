package snapshot_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/overlay"
	"lsapi/internal/snapshot"
)

func TestReadsAreFromMemoryAndWithinTheBound(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		for range 6000 { // a minute, 100 times a second
			got, age := r.read(t, lsapi.ELB("web"), false)
			if got != "i-1:t2.micro" || age > maxStaleness {
				t.Fatalf("got %q, %v old", got, age)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if stats := r.Stats(); stats.Achieved < maxStaleness/2 || stats.Achieved > maxStaleness || stats.Bound != maxStaleness {
			t.Errorf("the statistics have ages up to %v and a bound of %v", stats.Achieved, stats.Bound)
		}
		// One at the start by name, and then a listing at most every 1.6 s.
		if n := aws.count("LoadBalancers"); n > 40 || n < 30 {
			t.Errorf("a minute cost %d listings, want one for each refresh", n)
		}
		if n := aws.count("Members"); n > 1 {
			t.Errorf("a minute of steady reads cost %d named reads, want only the first", n)
		}
		if n := aws.count("Instances") + aws.count("AllInstances"); n > 3 {
			t.Errorf("a minute cost %d lookups of instances, want what their lifetime needs", n)
		}
	})
}

func TestAgeIsThatOfTheLastListingOrSinceTheStart(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		aws.change(func(f *fakeAWS) { f.fail["LoadBalancers"] = lsapi.Errorf(lsapi.CodeForbidden, "") })
		time.Sleep(time.Minute)
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		if age := r.Stats().Kinds[0].Age; age < time.Minute || age > time.Minute+time.Second {
			t.Errorf("before the first listing it is %v", age)
		}
		aws.change(func(f *fakeAWS) { clear(f.fail) })
		time.Sleep(10 * time.Second)
		if age := r.Stats().Kinds[0].Age; age > maxStaleness {
			t.Errorf("after a listing it is %v", age)
		}
	})
}

func TestNumberOfReadersDoesNotChangeTheCalls(t *testing.T) {
	calls := make(map[int]int)
	for _, readers := range []int{1, 100} {
		aws := newFakeAWS()
		aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
		inBubble(t, aws, func(t *testing.T, r *region) {
			var all sync.WaitGroup
			for range readers {
				all.Go(func() {
					for range 200 {
						r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
						time.Sleep(50 * time.Millisecond)
					}
				})
			}
			all.Wait()
			calls[readers] = aws.count("LoadBalancers") + aws.count("Members") + aws.count("Instances") + aws.count("AllInstances")
		})
	}
	// Cold, a second flight can follow the first.
	if calls[100] > calls[1]+3 {
		t.Errorf("100 readers cost %d calls, one reader %d", calls[100], calls[1])
	}
}

func TestFreshReadIncludesEarlierChanges(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-2"))
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro") // within the bound
		if got, age := r.read(t, lsapi.ELB("web"), true); got != "i-1:t2.micro i-2:t2.micro" || age > 2*aws.latency {
			t.Errorf("a fresh read got %q, %v old", got, age)
		}
	})
}

func TestFreshReadDoesNotJoinAnEarlierCall(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		var readers sync.WaitGroup
		arrive := func() {
			readers.Go(func() {
				arrived := time.Now()
				got, err := r.Read(t.Context(), lsapi.ELB("web"), true)
				if err != nil || got.AsOf.Before(arrived) {
					t.Errorf("a reader who came at %v got what was asked for %v before", arrived, arrived.Sub(got.AsOf))
				}
			})
		}
		before := aws.count("Members")
		arrive() // its call begins at once
		synctest.Wait()
		time.Sleep(aws.latency / 2)
		for range 20 { // they share the next one
			arrive()
		}
		readers.Wait()
		if n := aws.count("Members") - before; n != 2 {
			t.Errorf("21 readers in two groups cost %d calls, want 2", n)
		}
	})
}

func TestAppliedChangesAreVisibleAtOnce(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		r.Applied(lsapi.ELB("web"), membersOf(lsapi.Instance{ID: "i-2", Type: "t3.nano", State: lsapi.StateRunning}), nil)
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro i-2:t3.nano")
		r.Applied(lsapi.ELB("web"), nil, membersOf(lsapi.Instance{ID: "i-1"}))
		r.wantRead(t, lsapi.ELB("web"), "i-2:t3.nano")
	})
}

// recentChanges runs a test with a Snapshot over an overlay, which notifies it.
func recentChanges(t *testing.T, aws *fakeAWS, test func(t *testing.T, r *region, recent *overlay.Overlay)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		recent := overlay.New(overlay.DefaultWindow)
		r := &region{aws: aws, Snapshot: snapshot.NewWithFakes(snapshot.Options{
			AWS: aws, Named: aws, Encode: encode, Overlay: singleOverlay{recent},
			MaxStaleness: maxStaleness, MaxStaleOnError: maxStaleOnError, IdleAfter: idleAfter,
		})}
		recent.Listen(r.Snapshot.Applied)
		test(t, r, recent)
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func recordedChange(action lsapi.Action, member lsapi.MemberID, seq int64, at time.Time) []lsapi.AppliedChange {
	c := lsapi.Change{ID: fmt.Sprint(seq), Action: action, Member: member, Instance: lsapi.Instance{ID: member.String(), Type: "t2.micro", State: lsapi.StateRunning}}
	return []lsapi.AppliedChange{{Change: c, Seq: seq, At: at}}
}

// After a partition, a replica learns of changes that its reads have long shown, and whose
// undoing they may have shown, too.
func TestLateChangeDoesNotUndoALaterRead(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	recentChanges(t, aws, func(t *testing.T, r *region, recent *overlay.Overlay) {
		detached := time.Now()
		time.Sleep(time.Minute) // meanwhile another tool attaches it again
		if got, _ := r.read(t, lsapi.ELB("web"), true); got != "i-1:t2.micro" {
			t.Fatalf("it reads %q", got)
		}
		if err := recent.Learn(lsapi.ELB("web"), recordedChange(lsapi.Detach, lsapi.InstanceMember("i-1"), 1, detached)); err != nil {
			t.Fatal(err)
		}
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
	})
}

// The changes of another replica and of this one come from different goroutines.
func TestLateNotificationDoesNotUndoALaterChange(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	recentChanges(t, aws, func(t *testing.T, r *region, recent *overlay.Overlay) {
		if got, _ := r.read(t, lsapi.ELB("web"), true); got != "i-1:t2.micro" {
			t.Fatalf("it reads %q", got)
		}
		if err := recent.Learn(lsapi.ELB("web"), recordedChange(lsapi.Detach, lsapi.InstanceMember("i-1"), 1, time.Now())); err != nil {
			t.Fatal(err)
		}
		recent.Apply(lsapi.ELB("web"), recordedChange(lsapi.Attach, lsapi.InstanceMember("i-1"), 2, time.Now()))
		r.Snapshot.Applied(lsapi.ELB("web"), nil, membersOf(lsapi.Instance{ID: "i-1"})) // the notification of the detach
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
	})
}

func TestLaggingRefreshDoesNotHideAChange(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		r.mu.Lock()
		r.overlay[lsapi.ELB("web")] = []lsapi.MemberID{lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-2")} // as the lane remembers; AWS still shows i-1 alone
		r.mu.Unlock()
		r.Applied(lsapi.ELB("web"), membersOf(lsapi.Instance{ID: "i-2", Type: "t3.nano", State: lsapi.StateRunning}), nil)
		for range 100 {
			r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro i-2:t3.nano")
			time.Sleep(100 * time.Millisecond)
		}
	})
}

func TestLastAnswerIsServedWithinTheErrorBoundWhileAWSFails(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		throttled := lsapi.Errorf(lsapi.CodeThrottled, "slow down")
		aws.change(func(f *fakeAWS) {
			f.fail["LoadBalancers"], f.fail["Members"], f.fail["Instances"] = throttled, throttled, throttled
		})
		failed := time.Now()
		for time.Since(failed) < maxStaleOnError-time.Second {
			got, age := r.read(t, lsapi.ELB("web"), false)
			if got != "i-1:t2.micro" {
				t.Fatalf("%v after AWS began to fail: %q", time.Since(failed), got)
			}
			if since := time.Since(failed); since > maxStaleness && (age < since || age > since+maxStaleness) {
				t.Fatalf("%v after AWS began to fail its age is %v", since, age)
			}
			time.Sleep(500 * time.Millisecond)
		}
		if got, _ := r.read(t, lsapi.ELB("web"), true); got != "!throttled" {
			t.Errorf("a fresh read got %q, want the failure", got)
		}
		r.wantRead(t, lsapi.ELB("never-seen"), "!throttled")
		time.Sleep(2 * time.Second)
		r.wantRead(t, lsapi.ELB("web"), "!unavailable")

		aws.change(func(f *fakeAWS) { clear(f.fail) })
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
	})
}

func TestStaleAnswerIsServedAtOnceWhileAWSHangs(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		time.Sleep(time.Second)
		failure := lsapi.Errorf(lsapi.CodeUpstream, "")
		aws.change(func(f *fakeAWS) { f.fail["LoadBalancers"], f.slow["Members"] = failure, time.Hour })
		time.Sleep(3 * time.Second)
		start := time.Now()
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		if took := time.Since(start); took > 0 {
			t.Errorf("the reader waited %v", took)
		}
	})
}

func TestUnknownNameCostsNoCall(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		time.Sleep(200 * time.Millisecond) // the first listing is there
		before := aws.count("Members")
		for i := range 1000 {
			r.wantRead(t, lsapi.ELB(fmt.Sprintf("no-%d", i)), "!not_found")
		}
		if n := aws.count("Members") - before; n != 0 {
			t.Errorf("unknown names cost %d calls", n)
		}
	})
}

func TestUnlistedLoadBalancerIsReadByName(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	aws.set(lsapi.ELB("api"), lsapi.InstanceMember("i-2"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		r.wantRead(t, lsapi.ELB("api"), "i-2:t2.micro")
		aws.change(func(f *fakeAWS) { f.unlisted[lsapi.ELB("web")] = true })
		for range 100 {
			r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
			time.Sleep(100 * time.Millisecond)
		}
		aws.change(func(f *fakeAWS) { delete(f.members, lsapi.ELB("api")) })
		time.Sleep(maxStaleness)
		r.wantRead(t, lsapi.ELB("api"), "!not_found")
	})
}

func TestInstanceWithoutFactsNeverVanishes(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-2"))
		aws.change(func(f *fakeAWS) { f.fail["Instances"] = lsapi.Errorf(lsapi.CodeUpstream, "") })
		for range 50 {
			r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro") // the last that was whole
			time.Sleep(100 * time.Millisecond)
		}
		aws.change(func(f *fakeAWS) { clear(f.fail); delete(f.facts, lsapi.InstanceMember("i-1")) })
		time.Sleep(maxStaleness)
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro i-2:t2.micro")
		time.Sleep(2 * time.Minute)                          // the facts' lifetime is over
		r.wantRead(t, lsapi.ELB("web"), "i-1: i-2:t2.micro") // EC2 no longer knows it, and it is still a member
	})
}

func TestIdleSnapshotMakesNoCalls(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		time.Sleep(time.Hour)
		if n := aws.count("LoadBalancers"); n != 0 {
			t.Errorf("there were %d listings before the first read", n)
		}
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		time.Sleep(idleAfter + 10*time.Second)
		before := aws.count("LoadBalancers")
		time.Sleep(time.Hour)
		if n := aws.count("LoadBalancers") - before; n != 0 {
			t.Errorf("there were %d listings without reads", n)
		}
		aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-2"))
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro i-2:t2.micro") // nothing from before is served
		time.Sleep(3 * time.Second)
		if n := aws.count("LoadBalancers") - before; n == 0 {
			t.Error("refreshes did not begin again with a reader")
		}
	})
}

func TestPeekIsNoReader(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		if _, ok := r.Peek(lsapi.ELB("web")); ok {
			t.Error("a pool that was never read is in memory")
		}
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		peek := func(d time.Duration) {
			t.Helper()
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Second) {
				if m, ok := r.Peek(lsapi.ELB("web")); !ok || len(m.Members) != 1 || m.AsOf.IsZero() {
					t.Fatalf("got %v, %v", m, ok)
				}
			}
		}
		peek(idleAfter + 10*time.Second)
		before := aws.count("LoadBalancers")
		peek(time.Hour)
		if n := aws.count("LoadBalancers") - before; n != 0 {
			t.Errorf("there were %d listings without reads", n)
		}
	})
}

func TestNamedReadDoesNotWaitForTheFirstListing(t *testing.T) {
	aws := newFakeAWS()
	for i := range 1000 {
		ids := make([]lsapi.MemberID, 100)
		for j := range ids {
			ids[j] = lsapi.InstanceMember(fmt.Sprintf("i-%04x%04x", i, j))
		}
		aws.set(lsapi.ELB(fmt.Sprintf("elb-%04d", i)), ids...)
	}
	inBubble(t, aws, func(t *testing.T, r *region) {
		start := time.Now()
		if got, _ := r.read(t, lsapi.ELB("elb-0999"), false); !strings.HasPrefix(got, "i-03e70000:t2.micro") {
			t.Errorf("got %.40q", got)
		}
		if took := time.Since(start); took > 3*aws.latency {
			t.Errorf("the reader waited %v, want two calls' time", took)
		}
		time.Sleep(time.Minute)
		// 100,000 instances: 100 plain pages are fewer calls than 500 filters.
		if n := aws.count("Instances"); n > 2 {
			t.Errorf("the fill cost %d filtered lookups", n)
		}
		if n := aws.count("AllInstances"); n > 205 {
			t.Errorf("a minute cost %d pages of instances, want 100 for the fill and at most 100 for the renewal", n)
		}
	})
}

func TestLargeFleetStretchesTheBound(t *testing.T) {
	aws := newFakeAWS()
	aws.pageSize = 1
	for i := range 50 { // a refresh takes 2.5 s
		aws.set(lsapi.ELB(fmt.Sprintf("elb-%02d", i)), lsapi.InstanceMember("i-1"))
	}
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("elb-00"), "i-1:t2.micro")
		time.Sleep(20 * time.Second)
		before, start := aws.count("LoadBalancers")+aws.count("Members"), time.Now()
		for time.Since(start) < 30*time.Second {
			for i := range 50 {
				r.wantRead(t, lsapi.ELB(fmt.Sprintf("elb-%02d", i)), "i-1:t2.micro")
			}
			time.Sleep(100 * time.Millisecond)
		}
		// Half of the time is pause: 6 refreshes of 50 calls, and no named reads.
		if n := aws.count("LoadBalancers") + aws.count("Members") - before; n > 7*50 {
			t.Errorf("30 s cost %d calls", n)
		}
	})
}

func TestReaderServedByARefreshCostsNoNamedRead(t *testing.T) {
	aws := newFakeAWS()
	for i := range 400 {
		aws.set(lsapi.ELB(fmt.Sprintf("elb-%03d", i)), lsapi.InstanceMember("i-1"))
	}
	inBubble(t, aws, func(t *testing.T, r *region) {
		var all sync.WaitGroup
		for i := range 400 { // a dashboard opens
			all.Go(func() { r.wantRead(t, lsapi.ELB(fmt.Sprintf("elb-%03d", i)), "i-1:t2.micro") })
		}
		all.Wait()
		if n := aws.count("Members"); n > 40 {
			t.Errorf("400 cold readers cost %d named reads beside one listing", n)
		}
	})
}

func TestCancelledReadIsATimeout(t *testing.T) {
	aws := newFakeAWS()
	aws.slow["Members"], aws.slow["LoadBalancers"] = time.Hour, time.Hour
	inBubble(t, aws, func(t *testing.T, r *region) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := r.Read(ctx, lsapi.ELB("web"), false)
		if code := lsapi.ErrorCode(err); code != lsapi.CodeTimeout {
			t.Errorf("got %v", err)
		}
	})
}

func TestOneSlowRefreshDoesNotStretchTheBound(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		time.Sleep(10 * time.Second)
		aws.change(func(f *fakeAWS) { f.slow["LoadBalancers"] = 8 * time.Second })
		time.Sleep(2 * time.Second)
		aws.change(func(f *fakeAWS) { f.slow["LoadBalancers"] = 0 })
		for range 4000 {
			if _, age := r.read(t, lsapi.ELB("web"), false); age > maxStaleness {
				t.Fatalf("an answer is %v old", age)
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
}

func TestNewLoadBalancerIsListedAfterAnAttach(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		time.Sleep(300 * time.Millisecond) // the region is listed
		aws.set(lsapi.ELB("new"), lsapi.InstanceMember("i-2"))
		r.Applied(lsapi.ELB("new"), membersOf(lsapi.Instance{ID: "i-2", Type: "t2.micro", State: lsapi.StateRunning}), nil)
		r.wantRead(t, lsapi.ELB("new"), "i-2:t2.micro")
	})
}

func TestFailureBeforeAnIdleTimeServesNoOldAnswer(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		time.Sleep(idleAfter - 2*time.Second)
		aws.change(func(f *fakeAWS) { f.fail["LoadBalancers"] = lsapi.Errorf(lsapi.CodeThrottled, "") })
		time.Sleep(10 * time.Second)
		aws.change(func(f *fakeAWS) { clear(f.fail) })
		time.Sleep(3 * time.Minute)
		aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-2"))
		if got, age := r.read(t, lsapi.ELB("web"), false); got != "i-1:t2.micro i-2:t2.micro" || age > maxStaleness {
			t.Errorf("got %q, %v old", got, age)
		}
	})
}

func TestInstanceAttachedDuringTheFirstReadHasItsFacts(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	aws.slow["Instances"] = 500 * time.Millisecond
	inBubble(t, aws, func(t *testing.T, r *region) {
		var reader sync.WaitGroup
		reader.Go(func() { r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro i-2:t3.nano") })
		time.Sleep(200 * time.Millisecond) // the members are read, the instances are being looked up
		r.mu.Lock()
		r.overlay[lsapi.ELB("web")] = []lsapi.MemberID{lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-2")}
		r.mu.Unlock()
		r.Applied(lsapi.ELB("web"), membersOf(lsapi.Instance{ID: "i-2", Type: "t3.nano", State: lsapi.StateRunning}), nil)
		reader.Wait()
	})
}

func TestLoadBalancerRecreatedDuringADropIsFound(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		for range 200 {
			aws.change(func(f *fakeAWS) { delete(f.members, lsapi.ELB("web")) })
			var readers sync.WaitGroup
			for range 3 {
				readers.Go(func() { r.read(t, lsapi.ELB("web"), true) })
				time.Sleep(7 * time.Millisecond)
			}
			aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
			readers.Wait()
			if got, _ := r.read(t, lsapi.ELB("web"), true); got != "i-1:t2.micro" {
				t.Fatalf("a fresh read got %q", got)
			}
		}
	})
}

func TestNamedReadWithoutReadersIsNotMade(t *testing.T) {
	aws := newFakeAWS()
	aws.slow["Members"], aws.slow["LoadBalancers"] = time.Minute, time.Hour
	inBubble(t, aws, func(t *testing.T, r *region) {
		var readers sync.WaitGroup
		for i := range 500 {
			readers.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, _ = r.Read(ctx, lsapi.ELB(fmt.Sprintf("web-%d", i)), false)
			})
		}
		readers.Wait()
		time.Sleep(10 * time.Minute)
		if n := aws.count("Members"); n > 16 {
			t.Errorf("%d load balancers were read by name, want only those whose read had begun", n)
		}
	})
}

func TestTooManyNamedReadsAreRejectedAtOnce(t *testing.T) {
	aws := newFakeAWS()
	aws.slow["Members"], aws.slow["LoadBalancers"] = time.Hour, time.Hour
	inBubble(t, aws, func(t *testing.T, r *region) {
		ctx, cancel := context.WithCancel(t.Context())
		codes := make(chan lsapi.Code, 3000)
		var readers sync.WaitGroup
		for i := range cap(codes) {
			readers.Go(func() {
				_, err := r.Read(ctx, lsapi.ELB(fmt.Sprintf("web-%d", i)), false)
				codes <- lsapi.ErrorCode(err)
			})
		}
		synctest.Wait()
		if refused := len(codes); refused < 900 || refused > 1000 {
			t.Errorf("%d of 3000 were refused at once", refused)
		}
		for range len(codes) {
			if code := <-codes; code != lsapi.CodeThrottled {
				t.Errorf("one was refused with %q", code)
			}
		}
		cancel()
		readers.Wait()
	})
}

func TestInstanceWithoutFactsDelaysNoOtherLoadBalancer(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	aws.set(lsapi.ELB("api"), lsapi.InstanceMember("i-2"))
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		r.wantRead(t, lsapi.ELB("api"), "i-2:t2.micro")
		time.Sleep(time.Second)
		aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-3"))
		aws.set(lsapi.ELB("api"))
		aws.change(func(f *fakeAWS) {
			f.fail["Instances"] = lsapi.Errorf(lsapi.CodeUpstream, "")
			f.fail["Members"] = lsapi.Errorf(lsapi.CodeUpstream, "")
		})
		time.Sleep(2 * maxStaleness)
		r.wantRead(t, lsapi.ELB("api"), "")
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		r.wantRead(t, lsapi.ELB("invented"), "!not_found")
	})
}

// The record of a change does not hold all that EC2 says of an instance.
func TestKnownFactsAreKeptWhenTheRecordHasLess(t *testing.T) {
	aws := newFakeAWS()
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	full := lsapi.Instance{ID: "i-1", Type: "t2.micro", State: lsapi.StateRunning, Zone: "us-east-1a", Name: "web-1", PrivateAddress: "10.0.0.1"}
	aws.change(func(f *fakeAWS) { f.facts[lsapi.InstanceMember("i-1")] = full })
	inBubble(t, aws, func(t *testing.T, r *region) {
		r.wantRead(t, lsapi.ELB("web"), "i-1:t2.micro")
		r.Applied(lsapi.ELB("web"), membersOf(lsapi.Instance{ID: "i-1", Type: "t2.micro", State: lsapi.StateRunning}), nil)
		m, err := r.One(t.Context(), lsapi.ELB("web"), false)
		if err != nil || len(m.Members) != 1 || m.Members[0].Instance != full {
			t.Errorf("it is shown as %+v, %v", m.Members, err)
		}
	})
}
