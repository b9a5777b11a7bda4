package snapshot_test

import (
	"context"
	"iter"
	"sync"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/snapshot"
)

func TestReadersOfFailingGroupShareItsFailure(t *testing.T) {
	aws := newGroups(3, 2)
	withPolls(t, aws, func(t *testing.T, s *snapshot.Snapshot) {
		s.Touch()
		time.Sleep(time.Second)
		aws.change(func(f *fakeAWS) { f.fail["Members"] = lsapi.Errorf(lsapi.CodeUpstream, "down") })
		named := func() int { return aws.fakeAWS.count("Members") - aws.count() }
		before, end := named(), time.Now().Add(time.Minute)
		var reading sync.WaitGroup
		for range 10 {
			reading.Go(func() {
				for time.Now().Before(end) {
					if _, err := s.One(t.Context(), group(0), false); lsapi.ErrorCode(err) != lsapi.CodeUpstream {
						t.Errorf("it is %v", err)
						return
					}
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		reading.Wait()
		if n := named() - before; n > 130 { // two each second: the second is for those that came during the first
			t.Errorf("readers of one group caused %d calls in a minute", n)
		}
		before = named()
		for range 600 {
			found, err := s.Memberships(t.Context(), "i-1", false)
			if err != nil || found.Whole || len(found.Unread) != 3 {
				t.Errorf("the memberships are %+v, %v", found, err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := named() - before; n > 3*40 {
			t.Errorf("searches caused %d calls in a minute", n)
		}
		aws.change(func(f *fakeAWS) { clear(f.fail) })
		time.Sleep(time.Second)
		if _, err := s.One(t.Context(), group(0), false); err != nil {
			t.Errorf("when AWS answers again it is %v", err)
		}
	})
}

// AWS may deny the listing of target groups, and not the reads of each.
func TestKnownGroupsThatAreNotListedAreReadAtTheRateOfTheSweep(t *testing.T) {
	aws := newGroups(100, 2)
	withPolls(t, aws, func(t *testing.T, s *snapshot.Snapshot) {
		s.Touch()
		time.Sleep(2 * time.Minute)
		aws.change(func(f *fakeAWS) {
			for i := range 100 {
				f.unlisted[group(i)] = true
			}
		})
		time.Sleep(2 * time.Minute)
		before := aws.fakeAWS.count("Members")
		time.Sleep(time.Minute)
		if n := aws.fakeAWS.count("Members") - before; n > 150 {
			t.Errorf("%d calls in a minute", n)
		}
		if pools := s.Pools(); len(pools) != 100 {
			t.Errorf("%d pools are left", len(pools))
		}
	})
}

func TestUnlistedPoolThatCannotBeReadDoesNotBlockTheOthers(t *testing.T) {
	aws := newGroups(1, 2)
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	aws.change(func(f *fakeAWS) {
		f.unlisted[group(0)] = true
		f.fail["Members"] = lsapi.Errorf(lsapi.CodeForbidden, "denied")
	})
	withPolls(t, aws, func(t *testing.T, s *snapshot.Snapshot) {
		s.Expect([]lsapi.PoolID{group(0)})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		all, err := s.All(ctx, "")
		if err != nil || len(all.Pools) != 2 || len(all.Pools[0].Members) != 1 || !all.Pools[1].AsOf.IsZero() {
			t.Errorf("all pools are %+v, %v", all, err)
		}
		found, err := s.Memberships(ctx, "i-1", false)
		if err != nil || found.Whole || len(found.Unread) != 1 || len(found.Found) != 1 {
			t.Errorf("the memberships are %+v, %v", found, err)
		}
	})
}

// slowGroups is a region whose groups are read at the rate of their budget.
type slowGroups struct{ *groups }

func (g slowGroups) Members(ctx context.Context, pool lsapi.PoolID) (lsapi.PoolRead, error) {
	if pool.Kind == lsapi.KindTG {
		time.Sleep(1500 * time.Millisecond)
	}
	return g.groups.Members(ctx, pool)
}

func TestSearchOfAllGroupsDelaysNoOtherRead(t *testing.T) {
	aws := slowGroups{newGroups(500, 2)}
	aws.set(lsapi.ELB("web"), lsapi.InstanceMember("i-1"))
	inBubbleOf(t, aws, func(t *testing.T, s *snapshot.Snapshot) {
		s.Touch()
		time.Sleep(3 * time.Second)
		var searches sync.WaitGroup
		for range 3 {
			searches.Go(func() {
				if found, err := s.Memberships(t.Context(), "i-1", true); err != nil || found.Whole {
					t.Errorf("the memberships are %+v, %v", found.Found, err)
				}
			})
		}
		time.Sleep(4 * time.Second)
		for _, pool := range []lsapi.PoolID{lsapi.ELB("web"), group(7)} {
			called := time.Now()
			if _, err := s.One(t.Context(), pool, true); err != nil || time.Since(called) > 2*time.Second {
				t.Errorf("a fresh read of %v took %v, %v", pool, time.Since(called), err)
			}
		}
		searches.Wait()
	})
}

func TestReportsFromBeforeAStartAreNotLookedUp(t *testing.T) {
	aws := newGroups(50, 2)
	inBubbleOf(t, aws, func(t *testing.T, s *snapshot.Snapshot) {
		s.Touch()
		time.Sleep(time.Minute)
		for i := range 50 {
			read, _ := aws.Members(t.Context(), group(i))
			s.Reported(lsapi.HealthReport{Pool: group(i), Members: read.Health, Whole: true, AsOf: time.Now().Add(-30 * time.Second)}, false)
		}
		time.Sleep(time.Second)
		if n := aws.fakeAWS.count("Instances"); n > 0 {
			t.Errorf("%d lookups of members that are not shown", n)
		}
	})
}

// The leader shares the instances of listed members only.
func TestFollowerRenewsTheInstancesOfPolledPools(t *testing.T) {
	aws := newFakeAWS()
	member := lsapi.MemberID{Instance: "i-1", Port: 80}
	aws.set(lsapi.TG("web"), member)
	is := func(state lsapi.InstanceState) {
		aws.change(func(f *fakeAWS) {
			f.facts[lsapi.InstanceMember("i-1")] = lsapi.Instance{ID: "i-1", Type: "t2.micro", State: state}
		})
	}
	is(lsapi.StateRunning)
	inReplicas(t, aws, 2, func(t *testing.T, b *board, replicas []*region) {
		poll := func() {
			for _, r := range replicas {
				r.Touch()
				r.Reported(lsapi.HealthReport{Pool: lsapi.TG("web"), Members: []lsapi.MemberHealth{{Member: member}}, Whole: true, AsOf: time.Now()}, false)
			}
			time.Sleep(time.Second)
		}
		for range 5 {
			poll()
		}
		is("stopped")
		for range 130 {
			poll()
		}
		for i, r := range replicas {
			all, err := r.All(t.Context(), "")
			if err != nil || len(all.Pools) != 1 || len(all.Pools[0].Members) != 1 || all.Pools[0].Members[0].Instance.State != "stopped" {
				t.Errorf("replica %d (of which %d leads) shows %+v, %v", i, b.leads(), all, err)
			}
		}
	})
}

// lastPageFails fails the last page of each listing.
type lastPageFails struct{ *fakeAWS }

func (f lastPageFails) Pools(ctx context.Context, kind lsapi.Kind) iter.Seq2[[]lsapi.Pool, error] {
	return func(yield func([]lsapi.Pool, error) bool) {
		for page, err := range f.fakeAWS.Pools(ctx, kind) {
			if !yield(page, err) || err != nil {
				return
			}
		}
		yield(nil, lsapi.Errorf(lsapi.CodeThrottled, "the last page"))
	}
}

func TestPagesBeforeAFailureAreServed(t *testing.T) {
	aws := lastPageFails{newFakeAWS()}
	web := lsapi.ELB("web")
	aws.set(web, lsapi.InstanceMember("i-1"))
	inBubbleOf(t, aws, func(t *testing.T, s *snapshot.Snapshot) {
		read := func() string {
			t.Helper()
			got, err := s.Read(t.Context(), web, false)
			if err != nil {
				t.Fatal(err)
			}
			return string(got.Body)
		}
		for range 2 * maxStaleOnError / time.Second {
			read()
			time.Sleep(time.Second)
		}
		if err := s.Ready(); err != nil {
			t.Errorf("it is not ready: %v", err)
		}
		aws.set(web, lsapi.InstanceMember("i-1"), lsapi.InstanceMember("i-2"))
		before := aws.count("Members")
		time.Sleep(2 * time.Second)
		if got := read(); got != "i-1:t2.micro i-2:t2.micro " || aws.count("Members") > before {
			t.Errorf("with a member that is not known yet it reads %q, after %d reads by name", got, aws.count("Members")-before)
		}
		aws.change(func(f *fakeAWS) {
			f.facts[lsapi.InstanceMember("i-1")] = lsapi.Instance{ID: "i-1", Type: "m5.large", State: lsapi.StateRunning}
		})
		for range 100 {
			read()
			time.Sleep(time.Second)
		}
		if got := read(); got != "i-1:m5.large i-2:t2.micro " {
			t.Errorf("after 100 s it reads %q", got)
		}
		aws.change(func(f *fakeAWS) {
			f.fail["LoadBalancers"], f.fail["Members"] = lsapi.Errorf(lsapi.CodeUpstream, ""), lsapi.Errorf(lsapi.CodeUpstream, "")
		})
		for range maxStaleOnError/time.Second + 10 {
			s.Touch()
			time.Sleep(time.Second)
		}
		if err := s.Ready(); lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
			t.Errorf("when nothing can be read it is %v", err)
		}
	})
}
