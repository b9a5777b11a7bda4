package record_test

import (
	"context"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgrestest"
)

// These tests are of a database whose clock was an hour ahead, and is right again:
// what was stored then must not last.

func TestListingsContinueAfterTheClockIsSetBack(t *testing.T) {
	there := postgrestest.URL(t)
	a, b := openURL(t, there, record.Options{}), openURL(t, there, record.Options{})
	lead(t, a)
	publish(t, a, time.Now(), membership(lsapi.ELB("web"), one))
	first := published(t, b, 0)
	postgrestest.Exec(t, there, hourAhead)
	if err := a.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	soon(t, "another to lead", func() bool { return lead(t, b) }) // it reads what is published
	publish(t, b, time.Now(), membership(lsapi.ELB("web"), one), membership(lsapi.ELB("api"), two))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	next, err := b.SharedListing(ctx, lsapi.KindELB, first.Version)
	if err != nil || !reflect.DeepEqual(next.Pools, []lsapi.Membership{membership(lsapi.ELB("api"), two)}) {
		t.Errorf("the leader has published, and the others see %+v (%v)", next, err)
	}
}

// How old a listing of the future is, is not known: it must not pass for a new one.
func TestSharedListingSkipsAFutureListing(t *testing.T) {
	there := postgrestest.URL(t)
	a := openURL(t, there, record.Options{})
	lead(t, a)
	publish(t, a, time.Now(), membership(lsapi.ELB("web"), one))
	postgrestest.Exec(t, there, hourAhead)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if got, err := openURL(t, there, record.Options{}).SharedListing(ctx, lsapi.KindELB, 0); lsapi.ErrorCode(err) != lsapi.CodeTimeout {
		t.Errorf("got %+v (%v), want nothing", got, err)
	}
}

func TestPublishedHealthSkipsAFutureReport(t *testing.T) {
	there := postgrestest.URL(t)
	s := openURL(t, there, record.Options{})
	publishHealth(t, s, reportOf(lsapi.ELB("web"), time.Now(), inService(one)))
	publishHealth(t, s, reportOf(lsapi.ELB("api"), time.Now(), inService(two)))
	postgrestest.Exec(t, there, "UPDATE health_reports SET as_of = as_of + interval '1 hour' WHERE pool = 'default/elb/web'")
	if reports, _ := publishedHealth(t, s, 0); len(reports) != 1 || reports[0].Pool != lsapi.ELB("api") {
		t.Errorf("got %+v, want that of api alone", reports)
	}
	publishHealth(t, s, reportOf(lsapi.ELB("web"), time.Now(), inService(one)))
	if reports, _ := publishedHealth(t, s, 0); len(reports) != 2 {
		t.Errorf("after the next report: got %+v", reports)
	}
}

func TestPruneRemovesFutureHealthReports(t *testing.T) {
	there := postgrestest.URL(t)
	s := openURL(t, there, record.Options{})
	for _, pool := range []lsapi.PoolID{lsapi.ELB("web"), lsapi.ELB("gone")} {
		claim(t, s, pool, time.Hour)
		publishHealth(t, s, reportOf(pool, time.Now(), inService(one)))
	}
	postgrestest.Exec(t, there,
		"UPDATE health_claims SET at = at + interval '1 year' WHERE pool = 'default/elb/gone'",
		"UPDATE health_reports SET as_of = as_of + interval '1 year' WHERE pool = 'default/elb/gone'")
	if err := s.Prune(t.Context(), dayLong); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"health_claims", "health_reports"} {
		postgrestest.Exec(t, there, "DO $$ BEGIN ASSERT (SELECT array_agg(pool) FROM "+table+") = '{default/elb/web}', '"+table+"'; END $$")
	}
}

// A replica that died while the clock was ahead is not counted until the clock
// reaches that time.
func TestReplicasExcludeFutureBeats(t *testing.T) {
	there := postgrestest.URL(t)
	var live atomic.Int64
	a := openURL(t, there, record.Options{})
	postgrestest.Exec(t, there, "INSERT INTO replicas (id, seen_at) VALUES ('dead', clock_timestamp() + interval '2 hours')")
	b := openURL(t, there, record.Options{Replicas: func(n int) { live.Store(int64(n)) }})
	if n := live.Load(); n != 2 {
		t.Errorf("%d replicas are counted, want 2", n)
	}
	for _, s := range []record.Store{a, b} {
		if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	postgrestest.Exec(t, there, "DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM replicas), 'replicas are left'; END $$")
}

// A database whose clock is ahead labels events with times that are in the future here.
func TestFutureIsByTheClockOfTheDatabase(t *testing.T) {
	there := postgrestest.URL(t)
	postgrestest.Exec(t, there, `CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
		AS 'SELECT pg_catalog.clock_timestamp() + interval ''4 s'''`)
	s := openURL(t, there+"&search_path=public,pg_catalog", record.Options{})
	newLane(t, s, lsapi.ELB("web")).know(one)
	wantEqual(t, membersAt(t, s, time.Now().Add(3*time.Second)), one)
	_, err := s.MembersAt(t.Context(), lsapi.ELB("web"), time.Now().Add(10*time.Second))
	wantFuture(t, err)
}

// hourAhead makes the listing of load balancers an hour later.
const hourAhead = `UPDATE listed SET description = json_build_object('asOf', (description->>'asOf')::timestamptz + interval '1 hour') WHERE pool = 'default/elb/'`
