package record_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgrestest"
)

// membership is one of instances that EC2 knows.
func membership(pool lsapi.PoolID, instances ...lsapi.MemberID) lsapi.Membership {
	m := lsapi.Membership{Pool: pool, Members: []lsapi.Member{}}
	for _, id := range instances {
		m.Members = append(m.Members, lsapi.Member{ID: id, Instance: lsapi.Instance{ID: id.Instance, Type: "t2.micro", LaunchTime: noon, State: lsapi.StateRunning}})
	}
	return m
}

func lead(t testing.TB, s record.Store) bool {
	t.Helper()
	leads, err := s.Lead(t.Context())
	if err != nil {
		t.Fatalf("lead: %v", err)
	}
	return leads
}

// listedAt is a listing of load balancers.
func listedAt(asOf time.Time) lsapi.KindListing {
	return lsapi.KindListing{Kind: lsapi.KindELB, AsOf: asOf}
}

func publish(t testing.TB, s record.Store, asOf time.Time, all ...lsapi.Membership) {
	t.Helper()
	if err := s.Publish(t.Context(), listedAt(asOf), all); err != nil {
		t.Fatalf("publish: %v", err)
	}
}

func published(t testing.TB, s record.Store, after int64) lsapi.SharedListing {
	t.Helper()
	found, err := s.SharedListing(t.Context(), lsapi.KindELB, after)
	if err != nil {
		t.Fatalf("published: %v", err)
	}
	return found
}

func TestOneReplicaLeads(t *testing.T) {
	all := replicas(t, 2)
	if !lead(t, all[0]) || lead(t, all[1]) || !lead(t, all[0]) {
		t.Fatal("not the first leads, and it alone")
	}
	asOf := time.Now().Add(-200 * time.Millisecond)
	web, api := membership(lsapi.ELB("web"), one, two), membership(lsapi.ELB("api"))
	web.Members[1] = lsapi.Member{ID: two, Instance: lsapi.Instance{ID: two.Instance}} // EC2 knows it no more
	publish(t, all[0], asOf, web, api)
	first := published(t, all[1], 0)
	if !reflect.DeepEqual(first.Pools, []lsapi.Membership{api, web}) || len(first.Gone) != 0 {
		t.Errorf("got %+v", first)
	}
	if late := asOf.Sub(first.AsOf); late < 0 || late > time.Second {
		t.Errorf("it is said to be %v older than it is", late)
	}

	web.Members = append(web.Members, lsapi.Member{ID: three, Instance: lsapi.Instance{ID: three.Instance}})
	publish(t, all[0], time.Now(), web, membership(lsapi.ELB("new"), one))
	second := published(t, all[1], first.Version)
	if second.Version <= first.Version || !reflect.DeepEqual(second.Pools, []lsapi.Membership{membership(lsapi.ELB("new"), one), web}) {
		t.Errorf("got %+v", second)
	}
	wantEqual(t, second.Gone, lsapi.ELB("api"))

	publish(t, all[0], time.Now(), web, membership(lsapi.ELB("new"), one))
	third := published(t, all[1], second.Version)
	if third.Version <= second.Version || len(third.Pools)+len(third.Gone) != 0 || !third.AsOf.After(second.AsOf) {
		t.Errorf("nothing differs, but got %+v", third)
	}
	publish(t, all[0], time.Now(), web, membership(lsapi.ELB("new"), one), api)
	whole := published(t, all[0], 0)
	if len(whole.Pools) != 3 || len(whole.Gone) != 0 {
		t.Errorf("got %+v", whole)
	}
}

func TestSharedListingHasDescriptions(t *testing.T) {
	all := replicas(t, 2)
	lead(t, all[0])
	web := membership(lsapi.ELB("web"), one)
	publish(t, all[0], time.Now(), web)
	first := published(t, all[1], 0)
	if first.Pools[0].Description != nil {
		t.Errorf("one without a description is %+v", first)
	}
	web.Description = &lsapi.Description{
		DNSName: "web.example", Scheme: "internal", Zones: []string{"us-east-1a"}, CreatedAt: noon,
		Listeners:   []lsapi.Listener{{Protocol: "HTTP", Port: 80, InstanceProtocol: "HTTP", InstancePort: 8000, Certificate: "arn"}},
		HealthCheck: lsapi.HealthCheck{Target: "TCP:80", Interval: 30 * time.Second, Timeout: 5 * time.Second, UnhealthyThreshold: 2, HealthyThreshold: 10},
	}
	publish(t, all[0], time.Now(), web)
	second := published(t, all[1], first.Version)
	if !reflect.DeepEqual(second.Pools, []lsapi.Membership{web}) {
		t.Errorf("a new description is %+v", second)
	}
	publish(t, all[0], time.Now(), web)
	if third := published(t, all[1], second.Version); len(third.Pools) > 0 {
		t.Errorf("nothing differs, but got %+v", third)
	}
}

func TestPublishRequiresTheLead(t *testing.T) {
	t.Parallel()
	all := replicas(t, 2)
	err := all[0].Publish(t.Context(), listedAt(time.Now()), []lsapi.Membership{membership(lsapi.ELB("web"), one)})
	if !errors.Is(err, lsapi.ErrLeaseLost) {
		t.Errorf("a replica that never led: got %v", err)
	}
	lead(t, all[0])
	publish(t, all[0], time.Now(), membership(lsapi.ELB("web"), one))
	began := time.Now()
	soon(t, "another to lead", func() bool { return lead(t, all[1]) }) // the first is paused
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("another led after %v", took)
	}
	err = all[0].Publish(t.Context(), listedAt(time.Now()), []lsapi.Membership{membership(lsapi.ELB("web"), two)})
	if !errors.Is(err, lsapi.ErrLeaseLost) {
		t.Errorf("a replaced leader: got %v", err)
	}
	if lead(t, all[0]) {
		t.Error("a replaced leader still leads")
	}
	publish(t, all[1], time.Now(), membership(lsapi.ELB("web"), three))
	if got := published(t, all[0], 0); !reflect.DeepEqual(got.Pools, []lsapi.Membership{membership(lsapi.ELB("web"), three)}) {
		t.Errorf("got %+v", got)
	}
}

func TestCloseReleasesTheLead(t *testing.T) {
	all := replicas(t, 2)
	lead(t, all[0])
	if err := all[0].Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if !lead(t, all[1]) {
		t.Error("the lead is not free")
	}
}

func TestSharedListingWaits(t *testing.T) {
	all := replicas(t, 2)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := all[1].SharedListing(ctx, lsapi.KindELB, 0)
	wantCode(t, err, lsapi.CodeTimeout)
	lead(t, all[0])
	publish(t, all[0], time.Now())
	version := published(t, all[1], 0).Version
	var took []time.Duration
	for range 9 {
		at := make(chan time.Time)
		go func() {
			published(t, all[1], version)
			at <- time.Now()
		}()
		time.Sleep(20 * time.Millisecond)
		publish(t, all[0], time.Now())
		done := time.Now()
		took = append(took, (<-at).Sub(done))
		version = published(t, all[1], version-1).Version
		version = published(t, all[0], 0).Version
		lead(t, all[0])
	}
	slices.Sort(took)
	if median := took[len(took)/2]; median > 100*time.Millisecond {
		t.Errorf("they waited for %v", took)
	}
	closed := make(chan error)
	go func() {
		_, err := all[1].SharedListing(t.Context(), lsapi.KindELB, version)
		closed <- err
	}()
	if err := all[1].Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	wantCode(t, <-closed, lsapi.CodeUnavailable)
}

// An older listing than the published one changes nothing.
func TestPublishIgnoresAnOlderListing(t *testing.T) {
	all := replicas(t, 1)
	lead(t, all[0])
	now := time.Now()
	publish(t, all[0], now, membership(lsapi.ELB("web"), one))
	before := published(t, all[0], 0)
	publish(t, all[0], now.Add(-time.Minute), membership(lsapi.ELB("web"), two))
	if after := published(t, all[0], 0); after.Version != before.Version || !reflect.DeepEqual(after.Pools, before.Pools) {
		t.Errorf("from %+v to %+v", before, after)
	}
}

// A network that is slow makes a listing seem older, but not older than the one
// before.
func TestListingTimesNeverDecrease(t *testing.T) {
	there := postgrestest.URL(t)
	network, far := proxied(t, there)
	leader, reader := openURL(t, there, record.Options{}), openURL(t, far, record.Options{})
	lead(t, leader)
	publish(t, leader, time.Now())
	first := published(t, reader, 0)
	publish(t, leader, time.Now())
	network.delay.Store(100_000)
	if second := published(t, reader, first.Version); second.AsOf.Before(first.AsOf) {
		t.Errorf("after a listing of %v came one of %v", first.AsOf, second.AsOf)
	}
	network.delay.Store(0)
}

// Several that want to lead, at networks that fail: whoever reads always sees a
// whole listing, of which version, time and content only grow.
func TestSharedListingsNeverRunBackwards(t *testing.T) {
	t.Parallel()
	there := postgrestest.URL(t)
	var leaders sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		network, url := proxied(t, there)
		s := openURL(t, url, record.Options{})
		leaders.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				case <-time.After(time.Duration(rand.IntN(10)) * time.Millisecond):
				}
				if rand.IntN(30) == 0 { // paused, and cut off
					network.cut()
					time.Sleep(time.Duration(rand.IntN(4000)) * time.Millisecond)
				}
				if leads, err := s.Lead(t.Context()); err != nil || !leads {
					continue
				}
				asOf := time.Now()
				_ = s.Publish(t.Context(), listedAt(asOf), countingListing(asOf))
			}
		})
	}
	reader := openURL(t, there, record.Options{})
	seen := make(map[lsapi.PoolID]int64)
	var last lsapi.SharedListing
	began := time.Now()
	for time.Since(began) < 10*time.Second || last.Version < 20 && time.Since(began) < 2*time.Minute {
		found := published(t, reader, last.Version)
		if found.Version <= last.Version || found.AsOf.Before(last.AsOf) {
			t.Errorf("after version %d of %v came %d of %v", last.Version, last.AsOf, found.Version, found.AsOf)
		}
		for _, m := range found.Pools {
			seen[m.Pool] = m.Members[0].Instance.LaunchTime.UnixMicro()
		}
		for _, at := range seen { // all are of one listing, and of a later one
			if at != seen[lsapi.ELB("lb-0")] {
				t.Fatalf("version %d is a mixture: %v", found.Version, seen)
			}
		}
		if truth := time.UnixMicro(seen[lsapi.ELB("lb-0")]); found.AsOf.After(truth.Add(time.Microsecond)) {
			t.Errorf("version %d is said to be of %v, it is of %v", found.Version, found.AsOf, truth)
		}
		last = found
	}
	close(stop)
	leaders.Wait()
	if last.Version < 20 {
		t.Errorf("there were %d versions only", last.Version)
	}
}

// countingListing is a listing of which all that is in it says its time.
func countingListing(at time.Time) []lsapi.Membership {
	var all []lsapi.Membership
	for i := range 3 {
		all = append(all, lsapi.Membership{Pool: lsapi.ELB(fmt.Sprintf("lb-%d", i)), Members: []lsapi.Member{{ID: one, Instance: lsapi.Instance{ID: one.Instance, LaunchTime: at}}}})
	}
	return all
}

func TestFileHasOneReplica(t *testing.T) {
	s := openFile(t, newFile(t))
	if !lead(t, s) {
		t.Error("it does not lead")
	}
	publish(t, s, time.Now(), membership(lsapi.ELB("web"), one))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := s.SharedListing(ctx, lsapi.KindELB, 0)
	wantCode(t, err, lsapi.CodeTimeout)
}

func TestPublishDropsDeletedLoadBalancers(t *testing.T) {
	there := postgrestest.URL(t)
	a, b := openURL(t, there, record.Options{}), openURL(t, there, record.Options{})
	lead(t, a)
	publish(t, a, time.Now(), membership(lsapi.ELB("web")), membership(lsapi.ELB("deleted")))
	first := published(t, b, 0)
	publish(t, a, time.Now(), membership(lsapi.ELB("web")))
	if next := published(t, b, first.Version); next.Whole || !slices.Equal(next.Gone, []lsapi.PoolID{lsapi.ELB("deleted")}) {
		t.Errorf("got %+v", next)
	}
	postgrestest.Exec(t, there, "UPDATE listing SET version = version + 1000")
	publish(t, a, time.Now(), membership(lsapi.ELB("web")))
	if names := columnOf[string](t, there, "SELECT pool FROM listed ORDER BY pool"); !slices.Equal(names, []string{"default/elb/", "default/elb/web"}) {
		t.Errorf("rows are kept of %v", names)
	}
	next := published(t, b, first.Version) // it has not followed since
	if !next.Whole || !reflect.DeepEqual(next.Pools, []lsapi.Membership{membership(lsapi.ELB("web"))}) {
		t.Errorf("got %+v", next)
	}
}

// A record that was restored from a backup has earlier versions.
func TestSharedListingIsWholeAfterARestore(t *testing.T) {
	there := postgrestest.URL(t)
	a, b := openURL(t, there, record.Options{}), openURL(t, there, record.Options{})
	lead(t, a)
	publish(t, a, time.Now(), membership(lsapi.ELB("web")))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	next, err := b.SharedListing(ctx, lsapi.KindELB, 5000)
	if err != nil || !next.Whole || !reflect.DeepEqual(next.Pools, []lsapi.Membership{membership(lsapi.ELB("web"))}) {
		t.Errorf("got %+v (%v)", next, err)
	}
}

// Each kind is published by itself: while one fails, the others go on.
func TestKindsAreSharedEachByItself(t *testing.T) {
	all := replicas(t, 2)
	lead(t, all[0])
	share := func(leader record.Store, state lsapi.KindListing, pools ...lsapi.Membership) {
		t.Helper()
		if err := leader.Publish(t.Context(), state, pools); err != nil {
			t.Fatalf("publish: %v", err)
		}
	}
	group := lsapi.Membership{Pool: lsapi.TG("web"), Members: []lsapi.Member{}, MembersUnlisted: true, Description: &lsapi.Description{ARN: "arn"}}
	groups := func(after int64) lsapi.SharedListing {
		t.Helper()
		found, err := all[1].SharedListing(t.Context(), lsapi.KindTG, after)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	began := time.Now()
	share(all[0], lsapi.KindListing{Kind: lsapi.KindTG, AsOf: began}, group)
	publish(t, all[0], time.Now(), membership(lsapi.ELB("web"), one), membership(lsapi.ELB("api"), one))
	first, firstGroups := published(t, all[1], 0), groups(0)
	if len(first.Pools) != 2 || len(first.Gone) > 0 || !reflect.DeepEqual(firstGroups.Pools, []lsapi.Membership{group}) || firstGroups.Kind != lsapi.KindTG {
		t.Errorf("got %+v and %+v", first, firstGroups)
	}
	// A listing of another kind may have begun before, and is published later.
	share(all[0], lsapi.KindListing{Kind: lsapi.KindTG, AsOf: began.Add(time.Nanosecond)}, group)
	if next := groups(firstGroups.Version); len(next.Pools)+len(next.Gone) > 0 || next.AsOf.Before(firstGroups.AsOf) {
		t.Errorf("then got %+v", next)
	}
	share(all[0], lsapi.KindListing{Kind: lsapi.KindTG, AsOf: time.Now(), Failure: lsapi.CodeForbidden, Denied: true})
	publish(t, all[0], time.Now(), membership(lsapi.ELB("web"), one, two))
	second, failed := published(t, all[1], first.Version), groups(0)
	if len(second.Pools) != 1 || !slices.Equal(second.Gone, []lsapi.PoolID{lsapi.ELB("api")}) || second.Failure != "" {
		t.Errorf("of the other kind it is %+v", second)
	}
	if failed.Failure != lsapi.CodeForbidden || !failed.Denied || len(failed.Pools) != 1 || failed.AsOf.Sub(firstGroups.AsOf).Abs() > time.Second {
		t.Errorf("of the kind that fails it is %+v, before it was %+v", failed, firstGroups)
	}
	// The next leader leaves the time of the last whole listing as it is.
	if err := all[0].Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	soon(t, "another to lead", func() bool { return lead(t, all[1]) })
	share(all[1], lsapi.KindListing{Kind: lsapi.KindTG, Failure: lsapi.CodeThrottled})
	if next := groups(failed.Version); next.Failure != lsapi.CodeThrottled || next.Denied || len(next.Pools)+len(next.Gone) > 0 || next.AsOf.Sub(firstGroups.AsOf).Abs() > time.Second {
		t.Errorf("by the next leader it is %+v", next)
	}
	share(all[1], lsapi.KindListing{Kind: lsapi.KindTG, AsOf: time.Now()})
	if next := groups(failed.Version); next.Failure != "" || !slices.Equal(next.Gone, []lsapi.PoolID{lsapi.TG("web")}) {
		t.Errorf("when it succeeds again it is %+v", next)
	}
}

func TestFailureBeforeTheFirstListingIsShared(t *testing.T) {
	all := replicas(t, 2)
	lead(t, all[0])
	if err := all[0].Publish(t.Context(), lsapi.KindListing{Kind: lsapi.KindELB, Failure: lsapi.CodeUpstream}, nil); err != nil {
		t.Fatal(err)
	}
	if got := published(t, all[1], 0); got.Failure != lsapi.CodeUpstream || !got.AsOf.IsZero() || len(got.Pools) > 0 {
		t.Errorf("it is %+v", got)
	}
}
