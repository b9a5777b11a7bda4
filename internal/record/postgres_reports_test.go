package record_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgrestest"
)

func claim(t testing.TB, s record.Store, pool lsapi.PoolID, every time.Duration) bool {
	t.Helper()
	claimed, err := s.ClaimHealth(t.Context(), pool, every)
	if err != nil {
		t.Fatalf("claim: %v", err)
	}
	return claimed
}

func reportOf(pool lsapi.PoolID, asOf time.Time, members ...lsapi.MemberHealth) lsapi.HealthReport {
	return lsapi.HealthReport{Pool: pool, AsOf: asOf, Members: members, Absent: []lsapi.MemberID{lsapi.InstanceMember("i-0000000a")}, Whole: true, Incarnation: "arn:aws:a"}
}

// agesAgo is so many times longer ago than two clocks may be compared wrongly.
func agesAgo(n int) time.Time { return time.Now().Add(-time.Duration(n) * time.Minute) }

func publishHealth(t testing.TB, s record.Store, report lsapi.HealthReport) {
	t.Helper()
	if err := s.PublishHealth(t.Context(), report); err != nil {
		t.Fatalf("publish: %v", err)
	}
}

func publishedHealth(t testing.TB, s record.Store, after int64) ([]lsapi.HealthReport, int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	reports, version, err := s.PublishedHealth(ctx, after)
	if err != nil {
		t.Fatalf("published: %v", err)
	}
	return reports, version
}

func wantNothingPublished(t testing.TB, s record.Store, after int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	reports, _, err := s.PublishedHealth(ctx, after)
	if lsapi.ErrorCode(err) != lsapi.CodeTimeout {
		t.Errorf("got %+v (%v), want nothing", reports, err)
	}
}

// wantReport checks a report that was read: it is as old as it was, or a little
// older, never younger.
func wantReport(t testing.TB, got, want lsapi.HealthReport) {
	t.Helper()
	same := got
	same.AsOf = want.AsOf
	if !reflect.DeepEqual(same, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	// A microsecond is what the database rounds to.
	if got.AsOf.After(want.AsOf.Add(time.Microsecond)) || want.AsOf.Sub(got.AsOf) > 5*time.Second {
		t.Errorf("it is of %v, want of %v or a little before", got.AsOf, want.AsOf)
	}
}

func TestClaimHealthGrantsOneReplica(t *testing.T) {
	all := replicas(t, 2)
	if !claim(t, all[0], lsapi.ELB("web"), time.Hour) || !claim(t, all[0], lsapi.ELB("www"), time.Hour) {
		t.Error("the first claim is refused")
	}
	for _, s := range all {
		if claim(t, s, lsapi.ELB("web"), time.Hour) {
			t.Error("it may ask again at once")
		}
	}
	time.Sleep(2 * time.Millisecond)
	if !claim(t, all[1], lsapi.ELB("web"), time.Millisecond) {
		t.Error("it is time to ask again, but it may not")
	}
	if claim(t, all[0], lsapi.ELB("web"), time.Minute) {
		t.Error("the other has just asked")
	}
}

// One of many concurrent claims is granted.
func TestClaimHealthGrantsOneOfManyCallers(t *testing.T) {
	all := replicas(t, 3)
	for i := range 10 {
		var given atomic.Int64
		var askers sync.WaitGroup
		for j := range 9 {
			askers.Go(func() {
				if claimed, err := all[j%3].ClaimHealth(t.Context(), lsapi.ELB(fmt.Sprintf("lb-%d", i)), time.Hour); err != nil {
					t.Errorf("claim: %v", err)
				} else if claimed {
					given.Add(1)
				}
			})
		}
		askers.Wait()
		if n := given.Load(); n != 1 {
			t.Errorf("%d were given the right", n)
		}
	}
}

func TestClaimHealthIgnoresAFutureClaim(t *testing.T) {
	there := postgrestest.URL(t)
	s := openURL(t, there, record.Options{})
	claim(t, s, lsapi.ELB("web"), time.Hour)
	publishHealth(t, s, reportOf(lsapi.ELB("web"), time.Now(), inService(one)))
	postgrestest.Exec(t, there, "UPDATE health_claims SET at = at + interval '1 day'", "UPDATE health_reports SET as_of = as_of + interval '1 day'")
	if !claim(t, s, lsapi.ELB("web"), time.Hour) || claim(t, s, lsapi.ELB("web"), time.Hour) {
		t.Error("the right is not given once")
	}
	publishHealth(t, s, reportOf(lsapi.ELB("web"), time.Now(), outOfService(one)))
	if reports, _ := publishedHealth(t, s, 0); len(reports) != 1 || reports[0].Members[0] != outOfService(one) {
		t.Errorf("got %+v", reports)
	}
}

func TestPublishedHealthReachesAllReplicas(t *testing.T) {
	all := replicas(t, 2)
	wantNothingPublished(t, all[1], 0)
	first := reportOf(lsapi.ELB("web"), time.Now().Add(-time.Minute), draining(two), outOfService(one))
	publishHealth(t, all[0], first)
	var versions []int64
	for _, s := range all {
		reports, version := publishedHealth(t, s, 0)
		if len(reports) != 1 {
			t.Fatalf("got %+v", reports)
		}
		wantReport(t, reports[0], first)
		wantNothingPublished(t, s, version)
		versions = append(versions, version)
	}
	if versions[0] != versions[1] {
		t.Errorf("the versions are %v", versions)
	}
	empty, next := reportOf(lsapi.ELB("www"), time.Now().Add(-time.Minute)), reportOf(lsapi.ELB("web"), time.Now(), inService(one))
	empty.Members = []lsapi.MemberHealth{}
	publishHealth(t, all[1], empty)
	publishHealth(t, all[1], next)
	reports, version := publishedHealth(t, all[0], versions[0])
	if len(reports) != 2 || version <= versions[0] {
		t.Fatalf("got %+v up to version %d", reports, version)
	}
	wantReport(t, reports[0], empty)
	wantReport(t, reports[1], next)
}

func TestPublishHealthIgnoresAnOlderReport(t *testing.T) {
	all := replicas(t, 2)
	later := reportOf(lsapi.ELB("web"), time.Now(), inService(one))
	publishHealth(t, all[0], later)
	reports, version := publishedHealth(t, all[1], 0)
	publishHealth(t, all[1], reportOf(lsapi.ELB("web"), later.AsOf.Add(-time.Minute), outOfService(one)))
	wantNothingPublished(t, all[0], version)
	again, _ := publishedHealth(t, all[0], 0)
	if len(reports) != 1 || len(again) != 1 {
		t.Fatalf("got %+v, then %+v", reports, again)
	}
	wantReport(t, again[0], later)
}

// Whoever waits is told long before it would look by itself, and each report of one
// load balancer but those that are replaced meanwhile.
func TestReportsReachOtherReplicasWithin100Milliseconds(t *testing.T) {
	all := replicas(t, 2)
	var version int64
	var took []time.Duration
	for i := range 21 {
		want := reportOf(lsapi.ELB("web"), agesAgo(21-i), lsapi.MemberHealth{Member: one, State: lsapi.InService, Description: fmt.Sprint(i)})
		var reports []lsapi.HealthReport
		var waiting sync.WaitGroup
		waiting.Go(func() { reports, version = publishedHealth(t, all[1], version) })
		time.Sleep(10 * time.Millisecond) // it mostly waits by then
		began := time.Now()
		publishHealth(t, all[0], want)
		waiting.Wait()
		took = append(took, time.Since(began))
		if len(reports) != 1 {
			t.Fatalf("got %+v", reports)
		}
		wantReport(t, reports[0], want)
	}
	slices.Sort(took)
	t.Logf("median %v, longest %v", took[len(took)/2], took[len(took)-1])
	if quick := took[len(took)/4]; quick > 250*time.Millisecond { // without hints it is when it looks next
		t.Errorf("it took %v", took)
	}
}

// Many publish at once: whoever follows has the last report of each load balancer.
func TestPublishedHealthSkipsNoReport(t *testing.T) {
	const loadBalancers, rounds = 8, 25
	all := replicas(t, 3)
	var publishers sync.WaitGroup
	for i := range loadBalancers {
		publishers.Go(func() {
			for j := range rounds {
				report := reportOf(lsapi.ELB(fmt.Sprintf("lb-%d", i)), agesAgo(rounds-j), lsapi.MemberHealth{Member: one, State: lsapi.InService, Description: fmt.Sprint(j)})
				if err := all[(i+j)%2].PublishHealth(t.Context(), report); err != nil {
					t.Errorf("publish: %v", err)
				}
			}
		})
	}
	last := make(map[lsapi.PoolID]string)
	whole := func() bool {
		for _, received := range last {
			if received != fmt.Sprint(rounds-1) {
				return false
			}
		}
		return len(last) == loadBalancers
	}
	for version := int64(0); !whole(); {
		var reports []lsapi.HealthReport
		reports, version = publishedHealth(t, all[2], version) // fails when there is no more
		for _, r := range reports {
			last[r.Pool] = r.Members[0].Description
		}
	}
	publishers.Wait()
}

func TestPublishedHealthEndsWhenTheRecordCloses(t *testing.T) {
	s := replicas(t, 1)[0]
	ended := make(chan error, 1)
	go func() {
		_, _, err := s.PublishedHealth(t.Context(), 0)
		ended <- err
	}()
	time.Sleep(20 * time.Millisecond) // it mostly waits by then
	if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		wantCode(t, err, lsapi.CodeUnavailable)
	case <-time.After(20 * time.Second):
		t.Fatal("it still waits")
	}
}

func TestPruneRemovesOldReports(t *testing.T) {
	there := postgrestest.URL(t)
	s := openURL(t, there, record.Options{})
	for _, pool := range []lsapi.PoolID{lsapi.ELB("web"), lsapi.ELB("gone")} {
		claim(t, s, pool, time.Hour)
		publishHealth(t, s, reportOf(pool, time.Now(), inService(one)))
	}
	postgrestest.Exec(t, there,
		"UPDATE health_claims SET at = at - interval '25 hours' WHERE pool = 'default/elb/gone'",
		"UPDATE health_reports SET as_of = as_of - interval '25 hours' WHERE pool = 'default/elb/gone'")
	if err := s.Prune(t.Context(), dayLong); err != nil {
		t.Fatal(err)
	}
	if reports, _ := publishedHealth(t, s, 0); len(reports) != 1 || reports[0].Pool != lsapi.ELB("web") {
		t.Errorf("got %+v", reports)
	}
	if claim(t, s, lsapi.ELB("web"), time.Hour) || !claim(t, s, lsapi.ELB("gone"), 48*time.Hour) {
		t.Error("the claims of live load balancers were pruned, or those of others were not")
	}
}

// A file's owner has every claim, and no other replica.
func TestFileGrantsEveryClaim(t *testing.T) {
	s := openFile(t, newFile(t))
	for range 2 {
		if !claim(t, s, lsapi.ELB("web"), time.Hour) {
			t.Error("it may not ask")
		}
	}
	publishHealth(t, s, reportOf(lsapi.ELB("web"), time.Now(), inService(one)))
	wantNothingPublished(t, s, 0)
}
