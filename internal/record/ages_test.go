package record_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgrestest"
)

// aging is a store whose clock can be made to have been wrong.
type aging struct {
	record.Store
	// shift moves all stamps of the record's clock, in seconds; what is shifted into the
	// future was recorded before the clock was set back.
	shift func(seconds int)
}

func testAges(t *testing.T, test func(t *testing.T, s aging)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		path := newFile(t)
		test(t, aging{openFile(t, path), func(seconds int) {
			edit(t, path,
				"UPDATE events SET recorded_at = recorded_at + "+microseconds(seconds),
				"UPDATE logs SET applied_at = applied_at + "+microseconds(seconds)+", looked_at = looked_at + "+microseconds(seconds))
		}})
	})
	t.Run("PostgreSQL", func(t *testing.T) { test(t, agingPostgres(t)) })
}

func agingPostgres(t *testing.T) aging {
	t.Helper()
	url := postgrestest.URL(t)
	return aging{openURL(t, url, record.Options{}), func(seconds int) {
		by := "make_interval(secs => " + microseconds(seconds) + "::float8 / 1000000)"
		postgrestest.Exec(t, url,
			"UPDATE events SET recorded_at = recorded_at + "+by,
			"UPDATE logs SET applied_at = applied_at + "+by+", looked_at = looked_at + "+by)
	}}
}

func TestAppliedChangesAgeByTheRecordsClock(t *testing.T) {
	testAges(t, func(t *testing.T, s aging) {
		l := newLane(t, s, lsapi.ELB("web"))
		l.know()
		l.do(lsapi.Attach, one)
		s.shift(-30)
		b := l.do(lsapi.Attach, two)
		changes, err := s.Applied(t.Context(), lsapi.ELB("web"), 20*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		wantApplied(t, changes, b.ID)
		s.shift(-30)
		if pools, err := s.Unfinished(t.Context(), 20*time.Second); err != nil || len(pools) > 0 {
			t.Errorf("%v are unfinished (%v)", pools, err)
		}
	})
}

func TestLaneStateIncludesChangesSinceBeforeTheLastLook(t *testing.T) {
	testAges(t, func(t *testing.T, s aging) {
		l := newLane(t, s, lsapi.ELB("web"))
		l.now = time.Now().Add(-time.Minute)
		l.know()
		a := l.do(lsapi.Attach, one)
		s.shift(-30)
		state, err := s.LaneState(t.Context(), lsapi.ELB("web"), 20*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		wantApplied(t, state.Applied, a.ID) // there was no look since
		l.now = time.Now()
		l.append(lsapi.Event{Kind: lsapi.EventObserved, At: l.now, Since: noon, Until: l.now, Added: []lsapi.MemberID{two}})
		if state, err = s.LaneState(t.Context(), lsapi.ELB("web"), 20*time.Second); err != nil {
			t.Fatal(err)
		}
		wantApplied(t, state.Applied)
	})
}

func TestFutureStampsAgeFromTheNextAppend(t *testing.T) {
	testAges(t, func(t *testing.T, s aging) {
		testSetBack(t, s, func(l *lane) { l.intend(l.change(lsapi.Attach, three)) })
	})
}

// A file's clock is not set back: its next owner starts it behind all stamps.
func TestFutureStampsOfADatabaseAgeFromTheNextUnfinished(t *testing.T) {
	s := agingPostgres(t)
	testSetBack(t, s, func(*lane) {
		if _, err := s.Unfinished(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}

func testSetBack(t *testing.T, s aging, heal func(*lane)) {
	t.Helper()
	l := newLane(t, s, lsapi.ELB("web"))
	l.know()
	l.do(lsapi.Attach, one)
	s.shift(3600)
	state := l.state()
	if len(state.Applied) != 1 || time.Until(state.Applied[0].At) > 0 || time.Until(state.LookedAt) > 0 {
		t.Errorf("a time is to come: %+v", state)
	}
	heal(l)
	time.Sleep(10 * time.Millisecond)
	if changes, err := s.Applied(t.Context(), lsapi.ELB("web"), 5*time.Millisecond); err != nil || len(changes) > 0 {
		t.Errorf("it has not aged: %v (%v)", changes, err)
	}
	if pools, err := s.Unfinished(t.Context(), 5*time.Millisecond); err != nil || len(pools) > 1 {
		t.Errorf("%v are unfinished (%v)", pools, err)
	}
	wantWhole(t, s)
}

func TestOpenChangeDeadlineIgnoresTheReplicasClock(t *testing.T) {
	testAges(t, func(t *testing.T, s aging) {
		for _, skew := range []time.Duration{-30 * 24 * time.Hour, -time.Hour, 0} {
			l := newLane(t, s, lsapi.ELB("web"))
			l.now = time.Now().Add(skew)
			c := l.intend(l.change(lsapi.Attach, one)) // whose call takes 10 s
			open := l.state().Open
			if len(open) != 1 {
				t.Fatalf("open are %+v", open)
			}
			if left := time.Until(open[0].Deadline); left >= 10*time.Second+time.Millisecond || left < 0 { // ids hold milliseconds
				t.Errorf("by a clock that is off by %v the call ends in %v", skew, left)
			}
			l.complete(c, lsapi.OutcomeFailed)
		}
	})
}

func TestAppendRejectsChangesOfAClockFarAhead(t *testing.T) {
	testAges(t, func(t *testing.T, s aging) {
		l := newLane(t, s, lsapi.ELB("web"))
		for ahead, want := range map[time.Duration]lsapi.Code{
			lsapi.ClockTolerance - time.Second: "", lsapi.ClockTolerance + time.Minute: lsapi.CodeUnavailable,
		} {
			l.now = time.Now().Add(ahead)
			c := l.change(lsapi.Attach, one)
			_, err := s.Append(t.Context(), l.lease, []lsapi.Event{{Kind: lsapi.EventIntended, At: l.now, Change: c}})
			wantCode(t, err, want)
		}
		wantWhole(t, s)
		if newest, err := s.Changes(t.Context(), lsapi.ChangeFilter{Limit: 1}); err != nil || len(newest) != 1 {
			t.Errorf("got %v (%v)", newest, err)
		}
	})
}

func TestAppendLabelsNoEventInTheFuture(t *testing.T) {
	testAges(t, func(t *testing.T, s aging) {
		l := newLane(t, s, lsapi.ELB("web"))
		c := l.intend(l.change(lsapi.Attach, one))
		l.now = time.Now().Add(time.Hour) // by a clock that is ahead
		l.complete(c, lsapi.OutcomeApplied)
		got, err := s.Change(t.Context(), c.ID)
		if err != nil || got.CompletedAt.After(time.Now()) {
			t.Errorf("it was completed at %v (%v)", got.CompletedAt, err)
		}
	})
}

// columnOf returns the only column of a query's rows.
func columnOf[T any](t testing.TB, url, query string) []T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func microseconds(seconds int) string { return fmt.Sprint(int64(seconds) * 1e6) }
