package record_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
)

const dayLong = 24 * time.Hour

func testMembersAt(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one)
	first := l.now
	l.after(dayLong).do(lsapi.Attach, two)
	second := l.now
	l.after(dayLong).do(lsapi.Detach, one)
	third := l.now
	wantEqual(t, membersAt(t, s, first), one)
	wantEqual(t, membersAt(t, s, second.Add(-time.Microsecond)), one)
	wantEqual(t, membersAt(t, s, second), one, two)
	wantEqual(t, membersAt(t, s, third.Add(-time.Microsecond)), one, two)
	wantEqual(t, membersAt(t, s, third), two)
	wantEqual(t, membersAt(t, s, third.Add(dayLong)), two)
	wantEqual(t, membersAt(t, s, time.Time{}), two) // now
	_, err := s.MembersAt(t.Context(), lsapi.ELB("web"), first.Add(-time.Microsecond))
	wantCode(t, err, lsapi.CodeNotFound)
	_, err = s.MembersAt(t.Context(), lsapi.ELB("api"), time.Time{})
	wantCode(t, err, lsapi.CodeNotFound)
}

func testMembersInTheFuture(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one)
	now := time.Now()
	wantEqual(t, membersAt(t, s, now.Truncate(time.Millisecond).Add(999*time.Microsecond)), one)
	for _, pool := range []lsapi.PoolID{lsapi.ELB("web"), lsapi.ELB("api")} {
		_, err := s.MembersAt(t.Context(), pool, now.Add(time.Minute))
		wantFuture(t, err)
	}
}

func wantFuture(t *testing.T, err error) {
	t.Helper()
	wantCode(t, err, lsapi.CodeInvalid)
	if !errors.Is(err, lsapi.ErrFuture) {
		t.Errorf("got %v, want ErrFuture", err)
	}
}

func testProvenance(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one)
	c := l.do(lsapi.Attach, two)
	applied := l.now
	l.after(dayLong)
	l.append(lsapi.Event{Kind: lsapi.EventObserved, At: l.now, Added: []lsapi.MemberID{three}, Since: applied, Until: l.now})
	seen := l.now
	l.after(dayLong).do(lsapi.Detach, one) // behind another checkpoint
	found, err := s.MembersAt(t.Context(), lsapi.ELB("web"), l.now.Add(-time.Microsecond))
	if err != nil || len(found.Members) != 3 {
		t.Fatalf("got %+v (%v), want three members", found, err)
	}
	if got, want := found.Members[0], (lsapi.RecordedMember{Member: one}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := found.Members[1], (lsapi.RecordedMember{Member: two, Since: applied, ChangeID: c.ID, Source: lsapi.SourceLSAPI}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	external := found.Members[2]
	if external.Member != three || !external.Since.Equal(seen) || external.Source != lsapi.SourceExternal {
		t.Errorf("got %+v, want %s by an external change", external, three)
	}
	if change, err := s.Change(t.Context(), external.ChangeID); err != nil || change.Member != three {
		t.Errorf("its change is %+v (%v)", change, err)
	}
}

func testUncertain(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one)
	since := l.now
	until := since.Add(time.Minute)
	l.after(2 * time.Minute)
	l.append(lsapi.Event{Kind: lsapi.EventObserved, At: l.now, Added: []lsapi.MemberID{two}, Since: since, Until: until})
	for _, at := range []struct {
		when      string
		at        time.Time
		members   []lsapi.MemberID
		uncertain int
	}{
		{"at the look before", since, []lsapi.MemberID{one}, 0},
		{"just after it", since.Add(time.Microsecond), []lsapi.MemberID{one}, 1},
		{"just before the look", until.Add(-time.Microsecond), []lsapi.MemberID{one}, 1},
		{"at the look", until, []lsapi.MemberID{one, two}, 0},
		{"when it was recorded", l.now, []lsapi.MemberID{one, two}, 0},
	} {
		found, err := s.MembersAt(t.Context(), lsapi.ELB("web"), at.at)
		if err != nil {
			t.Fatal(err)
		}
		if len(found.Uncertain) != at.uncertain {
			t.Errorf("%s: %d changes are uncertain, want %d", at.when, len(found.Uncertain), at.uncertain)
		}
		wantEqual(t, membersAt(t, s, at.at), at.members...)
	}
}

func testCheckpoints(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know()
	seq := func() int64 { return chainEnds(t, s)[0].Seq }
	for range 32 {
		l.do(lsapi.Attach, one)
	}
	if got := seq(); got != 1+64 {
		t.Fatalf("there are %d events, want one checkpoint and 64", got)
	}
	l.do(lsapi.Attach, one)
	if got := seq(); got != 1+64+1+2 {
		t.Errorf("there are %d events, want another checkpoint before the last two", got)
	}
	l.after(12*time.Hour).do(lsapi.Attach, two)
	if got := seq(); got != 68+1+2 {
		t.Errorf("there are %d events, want a checkpoint at the beginning of the day", got)
	}
	wantWhole(t, s)

	large := newLane(t, s, lsapi.ELB("large"))
	ids := make([]lsapi.MemberID, 1000)
	for i := range ids {
		ids[i] = lsapi.InstanceMember(fmt.Sprintf("i-%08x", i))
	}
	large.know(ids...)
	var events []lsapi.Event
	for range 400 {
		intents, outcomes := round(large, 1)
		events = append(append(events, intents...), outcomes...)
	}
	large.append(events...)
	if found := wantWhole(t, s); found.Events != 71+1+800 {
		t.Errorf("there are %d events: a large load balancer's checkpoints are too close", found.Events)
	}
}

func testPrune(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one)
	var days []time.Time
	var changes []lsapi.Change
	var noted []lsapi.ChainEnd
	for range 6 {
		changes = append(changes, l.do(lsapi.Attach, two), l.do(lsapi.Detach, two))
		days = append(days, l.now)
		noted = append(noted, chainEnds(t, s)...)
		l.after(dayLong)
	}
	// At noon of the seventh day, three days are kept: the second half of the fourth
	// day is less than that ago, so the first three go.
	if err := pruneAt(t, s, l.now, 3*dayLong); err != nil {
		t.Fatal(err)
	}
	found := wantWhole(t, s, noted...)
	if found.Changes != 6 || len(found.Pruned) != 2 {
		t.Errorf("%d changes are left and %d checkpoints are too old, want 6 and 2: %+v", found.Changes, len(found.Pruned), found)
	}
	_, err := s.Change(t.Context(), changes[5].ID)
	wantCode(t, err, lsapi.CodeNotFound)
	if _, err := s.Change(t.Context(), changes[6].ID); err != nil {
		t.Errorf("a change that should be kept: %v", err)
	}
	_, err = s.MembersAt(t.Context(), lsapi.ELB("web"), days[2])
	wantCode(t, err, lsapi.CodeNotFound)
	wantEqual(t, membersAt(t, s, days[3]), one)
	if err := pruneAt(t, s, l.now, 3*dayLong); err != nil { // again
		t.Fatal(err)
	}
	if again := wantWhole(t, s); again.Events != found.Events {
		t.Errorf("pruning again left %d events, want %d", again.Events, found.Events)
	}
	l.do(lsapi.Attach, two)
	wantWhole(t, s, noted...)
}

func testPruneOpen(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one)
	l.do(lsapi.Attach, two)
	l.after(dayLong)
	noted := chainEnds(t, s)
	open := l.intend(l.change(lsapi.Attach, three))
	l.after(10 * dayLong)
	for range 2 {
		l.do(lsapi.Detach, two)
		if err := pruneAt(t, s, l.now, dayLong); err != nil {
			t.Fatal(err)
		}
		if found := wantWhole(t, s, noted...); len(found.Pruned) != 0 {
			t.Errorf("got %+v, want the event of the open change kept", found)
		}
		wantIDs(t, l.state().Open, open.ID)
		l.after(dayLong)
	}
	l.complete(open, lsapi.OutcomeApplied)
	done, err := s.Change(t.Context(), open.ID)
	if err != nil || done.Actor != "alice" || done.Outcome != lsapi.OutcomeApplied {
		t.Errorf("got %+v (%v)", done, err)
	}
	wantWhole(t, s)
	l.after(5*dayLong).do(lsapi.Attach, two)
	if err := pruneAt(t, s, l.now, dayLong); err != nil {
		t.Fatal(err)
	}
	wantWhole(t, s)
	_, err = s.Change(t.Context(), open.ID)
	wantCode(t, err, lsapi.CodeNotFound)
}

func testPruneIdle(t *testing.T, s record.Store) {
	known, unknown := newLane(t, s, lsapi.ELB("known")), newLane(t, s, lsapi.ELB("unknown"))
	known.know(one)
	for _, l := range []*lane{known, unknown} {
		l.do(lsapi.Attach, two)
	}
	noted := chainEnds(t, s)
	now := noon.Add(100 * dayLong)
	for range 3 {
		if err := pruneAt(t, s, now, dayLong); err != nil {
			t.Fatal(err)
		}
		found := wantWhole(t, s, noted...)
		if found.Events != 2 || found.Changes != 0 {
			t.Errorf("got %+v, want a checkpoint of each", found)
		}
		now = now.Add(10 * dayLong)
	}
	state := known.state()
	if !state.Known || !state.Members[one] || !state.Members[two] {
		t.Errorf("the membership is lost: %+v", state)
	}
	if unknown.state().Known {
		t.Error("an unknown membership became known")
	}
	found, err := s.MembersAt(t.Context(), lsapi.ELB("known"), now)
	if err != nil || len(found.Members) != 2 || found.Members[1] != (lsapi.RecordedMember{Member: two}) {
		t.Errorf("got %+v (%v), want members whose changes are not in the record", found, err)
	}
	known.now = now
	known.do(lsapi.Detach, one)
	wantWhole(t, s)
}

// A log that began without a checkpoint has events of a day before that day's first.
func testPruneDayWithoutCheckpoint(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	for i := range 40 { // more than fit before a checkpoint
		l.do(lsapi.Attach, lsapi.InstanceMember(fmt.Sprintf("i-%08x", i)))
	}
	noted := chainEnds(t, s)
	before := wantWhole(t, s)
	if err := pruneAt(t, s, noon.Add(dayLong), dayLong); err != nil {
		t.Fatal(err)
	}
	if after := wantWhole(t, s, noted...); after.Events != before.Events {
		t.Errorf("of a day that is kept, %d events became %d", before.Events, after.Events)
	}
}
