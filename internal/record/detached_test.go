package record_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgrestest"
)

func wantDetached(t testing.TB, l *lane, want ...lsapi.MemberID) {
	t.Helper()
	found := l.state().Detached
	wantEqual(t, slices.SortedFunc(maps.Keys(found), lsapi.MemberID.Compare), want...)
	for member, at := range found {
		if age := time.Since(at); age < 0 || age > lsapi.DetachedWithin {
			t.Errorf("%s was detached %v ago", member, age)
		}
	}
}

// observe records a change outside of lsapi.
func (l *lane) observe(added, removed []lsapi.MemberID) {
	l.t.Helper()
	since := l.now
	l.after(time.Second).append(lsapi.Event{Kind: lsapi.EventObserved, At: l.now, Since: since, Until: l.now, Added: added, Removed: removed})
}

func testDetached(t *testing.T, s record.Store) {
	port := one
	port.Port = 8080
	l := newLane(t, s, lsapi.ELB("web"))
	l.do(lsapi.Detach, three)
	wantDetached(t, l) // nobody is known to be a member
	l.know(one, two, three, port)
	newLane(t, s, lsapi.ELB("www")).do(lsapi.Detach, three) // of another pool
	l.complete(l.intend(l.change(lsapi.Detach, two)), lsapi.OutcomeRefused)
	l.complete(l.intend(l.change(lsapi.Detach, three)), lsapi.OutcomeUnknown)
	wantDetached(t, l)
	l.do(lsapi.Detach, one)
	l.do(lsapi.Detach, port)
	l.do(lsapi.Detach, two)
	wantDetached(t, l, one, port, two)
	l.do(lsapi.Attach, one)
	l.observe([]lsapi.MemberID{two}, nil)
	wantDetached(t, l, port)
	l.observe(nil, []lsapi.MemberID{one, two}) // not by lsapi
	wantDetached(t, l, port)
	l.do(lsapi.Attach, two)
	l.do(lsapi.Detach, two)
	l.intend(l.change(lsapi.Attach, two)) // open
	wantDetached(t, l, port, two)
	before := l.state().Detached

	age(t, s, lsapi.DetachedWithin-time.Hour)
	after := l.state().Detached
	for member, at := range before {
		if moved := at.Sub(after[member]); (moved - lsapi.DetachedWithin + time.Hour).Abs() > time.Minute {
			t.Errorf("%s was detached %v earlier", member, moved)
		}
	}
	l.do(lsapi.Detach, three)
	age(t, s, time.Hour)
	wantDetached(t, l, three)
	wantWhole(t, s)
}

// age makes all that is recorded older.
func age(t testing.TB, s record.Store, by time.Duration) {
	t.Helper()
	shift := microseconds(int(by / time.Second))
	path, url := fileOf(t, s)
	for column, table := range map[string]string{"recorded_at": "detached", "applied_at": "logs"} {
		if path != "" {
			edit(t, path, "UPDATE "+table+" SET "+column+" = "+column+" - ("+shift+") WHERE "+column+" > 0")
		} else {
			postgrestest.Exec(t, url, "UPDATE "+table+" SET "+column+" = "+column+" - ("+shift+")::bigint * interval '1 microsecond'")
		}
	}
}

func testDetachedReplaced(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.TG("shop"))
	l.know(one, two, three)
	l.name()
	l.do(lsapi.Detach, one)
	l.do(lsapi.Detach, two)
	wantDetached(t, l, one, two)
	l.append(l.replacement("arn:a", "arn:b", two)...)
	wantDetached(t, l)
	l.do(lsapi.Detach, two)
	wantDetached(t, l, two)
}

// What version 7 recorded in the last day counts.
func TestMigratedRecordHasDetachedMembers(t *testing.T) {
	upgrades(t, 7, func(t *testing.T, o *old) {
		now := map[string]string{"sqlite": "(SELECT booted_at FROM clock)", "postgres": "clock_timestamp()"}[o.engine]
		o.exec("UPDATE events SET recorded_at = " + now)
		o.exec("UPDATE logs SET applied_at = " + now)
		port := one
		port.Port = 8080
		s := openURL(t, o.url, record.Options{})
		wantDetached(t, newLane(t, s, lsapi.ELB("web")), one)
		wantDetached(t, newLane(t, s, lsapi.TG("shop")), port) // not those of the pool before
		wantWhole(t, s)
	})
}

func testDetachedPruned(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one, two)
	l.do(lsapi.Detach, one)
	l.after(5*dayLong).do(lsapi.Detach, two)
	wantDetached(t, l, one, two)
	must(t, pruneAt(t, s, l.now.Add(time.Hour), 2*dayLong))
	wantDetached(t, l, two)
	l.do(lsapi.Attach, one)
	l.do(lsapi.Detach, one)
	wantDetached(t, l, one, two)
	wantWhole(t, s)
}

func TestVerifyFindsAlteredDetachedMembers(t *testing.T) {
	for _, statement := range []string{
		"DELETE FROM detached", "UPDATE detached SET seq = seq - 1", "UPDATE detached SET member = 'i-00000003'",
		"UPDATE detached SET pool = 'default/elb/www'", "INSERT INTO detached VALUES ('default/elb/web', 'i-00000003', 3, 0)",
		"INSERT INTO detached VALUES ('default/elb/www', 'i-00000003', 3, 0)",
	} {
		t.Run(statement, func(t *testing.T) {
			path := newFile(t)
			s := openFile(t, path)
			l := newLane(t, s, lsapi.ELB("web"))
			l.know(one, two)
			l.do(lsapi.Detach, one)
			wantWhole(t, s)
			edit(t, path, statement)
			if found := verify(t, s); found.Breach == nil {
				t.Error("nothing was found")
			}
		})
	}
}

func testLater(t *testing.T, s record.Store) {
	port := one
	port.Port = 8080
	l := newLane(t, s, lsapi.ELB("web"))
	l.know()
	first := l.change(lsapi.Attach, one) // asked for before, decided last
	l.after(time.Second)
	c := l.do(lsapi.Attach, one)
	wantLater(t, s, c)
	l.do(lsapi.Attach, port)
	l.do(lsapi.Attach, two)
	other := newLane(t, s, lsapi.ELB("www"))
	other.now = l.now
	other.do(lsapi.Attach, one)
	l.complete(l.intend(l.change(lsapi.Detach, one)), lsapi.OutcomeFailed)
	l.complete(l.intend(l.change(lsapi.Attach, one)), lsapi.OutcomeConflict)
	l.complete(l.intend(l.change(lsapi.Attach, one)), lsapi.OutcomeRefused)
	wantLater(t, s, c)

	unknown := l.complete(l.intend(l.change(lsapi.Detach, one)), lsapi.OutcomeUnknown)
	l.observe(nil, []lsapi.MemberID{one})
	external, err := s.Changes(t.Context(), lsapi.ChangeFilter{Pool: l.lease.Pool, Limit: 1})
	must(t, err)
	l.after(time.Second).complete(l.intend(first), lsapi.OutcomeApplied)
	open := l.intend(l.change(lsapi.Detach, one))
	wantLater(t, s, c, unknown.ID, external[0].ID, first.ID, open.ID)
	wantLater(t, s, external[0], first.ID, open.ID)
	wantLater(t, s, first, open.ID)
	wantLater(t, s, open)

	l.complete(open, lsapi.OutcomeApplied)
	var want []string
	for i := range 12 {
		done := l.after(time.Second).do([]lsapi.Action{lsapi.Attach, lsapi.Detach}[i%2], one)
		if i < 10 {
			want = append(want, done.ID)
		}
	}
	wantLater(t, s, open, want...)
	_, err = s.Later(t.Context(), l.change(lsapi.Attach, one))
	wantCode(t, err, lsapi.CodeNotFound)
}

// A change of a pool that is gone is not undone in the one of its name.
func testLaterReplaced(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.TG("shop"))
	l.know(one, two, three)
	l.name()
	former, last := l.do(lsapi.Detach, one), l.do(lsapi.Detach, two)
	wantLater(t, s, former)
	l.append(l.replacement("arn:a", "arn:b", two)...)
	_, err := s.Later(t.Context(), former)
	wantCode(t, err, lsapi.CodeSuperseded)
	later, err := s.Later(t.Context(), last)
	if err != nil || len(later) != 1 || later[0].Source != lsapi.SourceExternal || later[0].Action != lsapi.Attach {
		t.Errorf("got %+v (%v)", later, err)
	}
	wantLater(t, s, l.do(lsapi.Attach, one))
}

func wantLater(t *testing.T, s record.Store, c lsapi.Change, want ...string) {
	t.Helper()
	later, err := s.Later(t.Context(), c)
	must(t, err)
	wantIDs(t, later, want...)
}
