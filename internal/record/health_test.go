package record_test

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
)

func inService(member lsapi.MemberID) lsapi.MemberHealth {
	return lsapi.MemberHealth{Member: member, State: lsapi.InService, Reason: "N/A", Description: "N/A"}
}

func outOfService(member lsapi.MemberID) lsapi.MemberHealth {
	return lsapi.MemberHealth{
		Member: member, State: lsapi.OutOfService, Reason: "Instance",
		Description: "Instance has failed at least the UnhealthyThreshold number of health checks consecutively.",
	}
}

func draining(member lsapi.MemberID) lsapi.MemberHealth {
	return lsapi.MemberHealth{
		Member: member, State: lsapi.InService, Reason: "N/A", Draining: true,
		Description: "Instance deregistration currently in progress.",
	}
}

// say records what is said of the health of instances.
func (l *lane) say(health ...lsapi.MemberHealth) {
	l.t.Helper()
	l.append(lsapi.Event{Kind: lsapi.EventHealth, At: l.now, Health: health})
}

// drain records that nothing is said of instances any more.
func (l *lane) drain(instances ...lsapi.MemberID) {
	l.t.Helper()
	l.append(lsapi.Event{Kind: lsapi.EventHealth, At: l.now, Drained: instances})
}

func health(t testing.TB, s record.Store, pool lsapi.PoolID) map[lsapi.MemberID]lsapi.MemberHealth {
	t.Helper()
	found, err := s.Health(t.Context(), pool)
	if err != nil {
		t.Fatalf("health: %v", err)
	}
	return found
}

func wantHealth(t testing.TB, s record.Store, pool lsapi.PoolID, want ...lsapi.MemberHealth) {
	t.Helper()
	all := make(map[lsapi.MemberID]lsapi.MemberHealth, len(want))
	for _, h := range want {
		all[h.Member] = h
	}
	if got := health(t, s, pool); !maps.Equal(got, all) {
		t.Errorf("the health of %s is %+v\nwant %+v", pool, got, all)
	}
}

// memberHistory returns the history of instances in "web".
func memberHistory(t testing.TB, s record.Store, instances ...lsapi.MemberID) map[lsapi.MemberID]lsapi.MemberHistory {
	t.Helper()
	found, err := s.MemberHistory(t.Context(), lsapi.ELB("web"), instances)
	if err != nil {
		t.Fatalf("member history: %v", err)
	}
	return found
}

func testHealth(t *testing.T, s record.Store) {
	l, other := newLane(t, s, lsapi.ELB("web")), newLane(t, s, lsapi.ELB("www"))
	wantHealth(t, s, lsapi.ELB("web"))
	l.say(inService(two), outOfService(one)) // before the membership is known
	l.know(one, two)
	other.say(inService(one))
	wantHealth(t, s, lsapi.ELB("web"), outOfService(one), inService(two))
	l.after(time.Minute).say(inService(one))
	l.do(lsapi.Detach, two)
	wantHealth(t, s, lsapi.ELB("web"), inService(one), inService(two))
	l.say(draining(two))
	wantHealth(t, s, lsapi.ELB("web"), inService(one), draining(two))
	l.append(lsapi.Event{
		Kind: lsapi.EventHealth, At: l.now, Drained: []lsapi.MemberID{two},
		Health: []lsapi.MemberHealth{outOfService(one), {Member: three, State: lsapi.HealthUnknown}},
	})
	wantHealth(t, s, lsapi.ELB("web"), outOfService(one), lsapi.MemberHealth{Member: three, State: lsapi.HealthUnknown})
	wantHealth(t, s, lsapi.ELB("www"), inService(one))
	odd := lsapi.MemberHealth{Member: three, State: lsapi.OutOfService, Reason: "ELB", Description: "bad \xff\x00 <bytes> 日本語 \u2028"}
	l.say(odd)
	odd.Description = "bad \uFFFD\uFFFD <bytes> 日本語 \u2028"
	wantHealth(t, s, lsapi.ELB("web"), outOfService(one), odd)
	wantWhole(t, s, chainEnds(t, s)...)
}

func testHealthWord(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.TG("shop"))
	l.know(one)
	h := lsapi.MemberHealth{Member: one, State: lsapi.OutOfService, AWSState: "initial", Reason: "Elb.RegistrationInProgress", Description: "in progress"}
	l.say(h)
	since := l.now
	wantHealth(t, s, lsapi.TG("shop"), h)
	noted := chainEnds(t, s)
	l.after(time.Minute).say(h) // which is recorded
	wantEqual(t, chainEnds(t, s), noted...)
	if got := l.history(one); got.Health == nil || *got.Health != h || !got.HealthSince.Equal(since) {
		t.Errorf("got %+v", got)
	}
	h.AWSState = "unhealthy" // alone
	l.say(h)
	wantHealth(t, s, lsapi.TG("shop"), h)
	l.after(3*dayLong).do(lsapi.Attach, two) // behind a checkpoint
	must(t, pruneAt(t, s, l.now, dayLong))
	wantHealth(t, s, lsapi.TG("shop"), h)
	wantWhole(t, s)
}

// Whoever did not learn whether it was recorded says it again, and perhaps more.
func testHealthRepeated(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.say(inService(one), draining(two))
	before := chainEnds(t, s)
	l.after(time.Minute).say(draining(two), inService(one))
	l.say(inService(one))
	l.drain(three) // of whom nothing was ever said
	if after := chainEnds(t, s); !reflect.DeepEqual(after, before) {
		t.Errorf("what is recorded was recorded again: %+v after %+v", after, before)
	}
	l.append(lsapi.Event{Kind: lsapi.EventHealth, At: l.now, Health: []lsapi.MemberHealth{inService(one), inService(three)}, Drained: []lsapi.MemberID{two}})
	l.append(lsapi.Event{Kind: lsapi.EventHealth, At: l.now, Health: []lsapi.MemberHealth{inService(one), inService(three)}, Drained: []lsapi.MemberID{two}})
	if after := chainEnds(t, s); after[0].Seq != before[0].Seq+1 {
		t.Errorf("one event more was to be recorded: %+v after %+v", after, before)
	}
	wantHealth(t, s, lsapi.ELB("web"), inService(one), inService(three))
	all := memberHistory(t, s, one, three)
	if since := all[one].HealthSince; !since.Equal(noon) {
		t.Errorf("it is in service since %v, want %v: nothing else was said since", since, noon)
	}
	if since := all[three].HealthSince; !since.Equal(l.now) {
		t.Errorf("it is in service since %v, want %v", since, l.now)
	}
	wantWhole(t, s)
}

func testInvalidHealth(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	for name, event := range map[string]lsapi.Event{
		"nothing":           {},
		"no instance":       {Health: []lsapi.MemberHealth{inService(lsapi.MemberID{})}},
		"no state":          {Health: []lsapi.MemberHealth{{Member: one}}},
		"an instance twice": {Health: []lsapi.MemberHealth{inService(one), outOfService(one)}},
		"both":              {Health: []lsapi.MemberHealth{inService(one)}, Drained: []lsapi.MemberID{one}},
		"drained nothing":   {Drained: []lsapi.MemberID{{}}},
	} {
		event.Kind, event.At = lsapi.EventHealth, l.now
		if _, err := s.Append(t.Context(), l.lease, []lsapi.Event{event}); lsapi.ErrorCode(err) != lsapi.CodeInternal {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if noted := chainEnds(t, s); len(noted) != 0 {
		t.Errorf("something was recorded: %+v", noted)
	}
}

// Health survives the pruning of its events.
func testHealthPruned(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one, two)
	l.say(inService(one), inService(two))
	l.after(time.Hour).say(outOfService(one))
	said := l.now
	l.after(5*dayLong).do(lsapi.Attach, three)
	l.drain(two)
	if err := pruneAt(t, s, l.now.Add(time.Hour), 2*dayLong); err != nil {
		t.Fatal(err)
	}
	if found := wantWhole(t, s, chainEnds(t, s)...); found.Events >= 7 {
		t.Fatalf("nothing was pruned: %+v", found)
	}
	wantHealth(t, s, lsapi.ELB("web"), outOfService(one))
	if got := memberHistory(t, s, one)[one]; !got.HealthSince.Equal(said) {
		t.Errorf("got %+v, want it since %v", got, said)
	}
	for i := range 100 { // past the next checkpoint
		l.after(time.Second).say([]lsapi.MemberHealth{inService(one), outOfService(one)}[i%2])
	}
	wantHealth(t, s, lsapi.ELB("web"), outOfService(one))
	wantWhole(t, s)
}

func testMemberHistory(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	before := l.now
	l.know(one)
	l.say(inService(one))
	attached := l.after(time.Minute).do(lsapi.Attach, two)
	seen := l.after(time.Minute).now
	l.append(lsapi.Event{Kind: lsapi.EventObserved, At: l.now.Add(time.Second), Added: []lsapi.MemberID{three}, Since: before, Until: l.now})
	l.after(time.Minute)
	l.complete(l.intend(l.change(lsapi.Detach, three)), lsapi.OutcomeRefused)
	unsure := l.complete(l.intend(l.change(lsapi.Detach, three)), lsapi.OutcomeUnknown)
	gone, never := lsapi.InstanceMember("i-00000004"), lsapi.InstanceMember("i-00000005")
	l.do(lsapi.Attach, gone)
	l.do(lsapi.Detach, gone)
	conflict := l.change(lsapi.Detach, gone)
	conflict.Outcome = lsapi.OutcomeConflict
	l.append(lsapi.Event{Kind: lsapi.EventCompleted, At: l.now, Change: conflict})
	l.say(draining(gone), outOfService(two))
	said := l.now
	open := l.after(time.Minute).intend(l.change(lsapi.Attach, gone))
	other := newLane(t, s, lsapi.ELB("www"))
	other.know(one)
	other.do(lsapi.Detach, one)

	change := func(id string) *lsapi.Change {
		c, err := s.Change(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return &c
	}
	external, err := s.Changes(t.Context(), lsapi.ChangeFilter{Member: three, Outcome: lsapi.OutcomeApplied, Limit: 1})
	if err != nil || len(external) != 1 {
		t.Fatalf("got %+v (%v)", external, err)
	}
	want := map[lsapi.MemberID]lsapi.MemberHistory{
		one: {Member: true, Health: new(inService(one)), HealthSince: noon},
		two: {
			Member: true, Since: change(attached.ID).CompletedAt, ChangeID: attached.ID, Source: lsapi.SourceLSAPI,
			LastChange: change(attached.ID), Health: new(outOfService(two)), HealthSince: said,
		},
		three: {Member: true, Since: seen, ChangeID: external[0].ID, Source: lsapi.SourceExternal, LastChange: change(unsure.ID)},
		gone:  {LastChange: change(open.ID), Health: new(draining(gone)), HealthSince: said},
		never: {},
	}
	wantHistories(t, "asked for by id", memberHistory(t, s, one, two, three, gone, never), want)
	delete(want, never)
	all, err := s.MemberHistory(t.Context(), lsapi.ELB("web"), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantHistories(t, "asked for all", all, want)
	wantHistories(t, "asked for none", memberHistory(t, s, []lsapi.MemberID{}...), nil)
	all, err = s.MemberHistory(t.Context(), lsapi.ELB("nowhere"), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantHistories(t, "of an unknown load balancer", all, nil)
}

func wantHistories(t testing.TB, what string, got, want map[lsapi.MemberID]lsapi.MemberHistory) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: got %d standings, want %d", what, len(got), len(want))
	}
	for member, history := range want {
		if there, ok := got[member]; !ok || !reflect.DeepEqual(there, history) {
			t.Errorf("%s: %s has %+v\nwant %+v", what, member, there, history)
		}
	}
}

// Of two changes that were asked for about at once, the lane may begin the later one
// first.
func testMemberHistoryOrder(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know()
	asked := l.change(lsapi.Attach, one)
	l.after(time.Millisecond)
	first := l.complete(l.intend(l.change(lsapi.Detach, one)), lsapi.OutcomeUnknown)
	if got := memberHistory(t, s, one)[one].LastChange; got == nil || got.ID != first.ID {
		t.Errorf("the last change is %+v, want %s", got, first.ID)
	}
	l.complete(l.intend(asked), lsapi.OutcomeApplied)
	if got := memberHistory(t, s, one)[one].LastChange; got == nil || got.ID != asked.ID {
		t.Errorf("the last change is %+v, want %s", got, asked.ID)
	}
}

// One answer has a thousand members.
func testMemberHistoryOfMany(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know()
	var changes []lsapi.Event
	var said []lsapi.MemberHealth
	for i := range 1100 {
		c := l.change(lsapi.Attach, lsapi.InstanceMember(fmt.Sprintf("i-%08x", i)))
		c.Outcome = lsapi.OutcomeApplied
		changes = append(changes, lsapi.Event{Kind: lsapi.EventCompleted, At: l.now, Change: c})
		said = append(said, inService(c.Member))
	}
	l.append(changes...)
	l.say(said...)
	all, err := s.MemberHistory(t.Context(), lsapi.ELB("web"), nil)
	if err != nil || len(all) != len(said) {
		t.Fatalf("got %d standings (%v), want %d", len(all), err, len(said))
	}
	for i, event := range changes {
		got := all[event.Change.Member]
		if !got.Member || got.ChangeID != event.Change.ID || got.LastChange == nil || got.LastChange.ID != event.Change.ID || *got.Health != said[i] {
			t.Fatalf("%s has %+v", event.Change.Member, got)
		}
	}
	wantWhole(t, s)
}

func TestVerifyFindsAlteredHealth(t *testing.T) {
	for name, test := range map[string]struct {
		statement string
		pool      lsapi.PoolID
		seq       int64
	}{
		"a state":          {"UPDATE health SET state = 'OutOfService' WHERE pool = 'default/elb/web' AND member = '" + one.String() + "'", lsapi.ELB("web"), 3},
		"its time":         {"UPDATE health SET since = since + 1 WHERE pool = 'default/elb/web' AND member = '" + two.String() + "'", lsapi.ELB("web"), 2},
		"gone":             {"DELETE FROM health WHERE pool = 'default/elb/web' AND member = '" + two.String() + "'", lsapi.ELB("web"), 2},
		"of no member":     {"INSERT INTO health VALUES ('default/elb/web', 'i-99999999', 'InService', '', '', 0, 3, 0, '')", lsapi.ELB("web"), 3},
		"of nowhere":       {"INSERT INTO health VALUES ('zzz', 'i-99999999', 'InService', '', '', 0, 1, 0, '')", lsapi.PoolID{}, 0},
		"an event's words": {"UPDATE events SET payload = CAST(replace(payload, 'OutOfService', 'InService') AS BLOB) WHERE kind = 'health' AND seq = 2", lsapi.ELB("web"), 2},
	} {
		t.Run(name, func(t *testing.T) {
			path := newFile(t)
			s := openFile(t, path)
			l := newLane(t, s, lsapi.ELB("web"))
			l.know(one, two)
			l.say(inService(one), outOfService(two), inService(three))
			l.after(time.Second).append(lsapi.Event{
				Kind: lsapi.EventHealth, At: l.now, Health: []lsapi.MemberHealth{inService(one), draining(one)}[1:], Drained: []lsapi.MemberID{three},
			})
			wantWhole(t, s)
			edit(t, path, test.statement)
			found := verify(t, s)
			if found.Breach == nil || found.Breach.Pool != test.pool || found.Breach.Seq != test.seq || found.Breach.Why == "" {
				t.Errorf("got %+v, want it at event %d of %q", found.Breach, test.seq, test.pool)
			}
		})
	}
}

func TestVerifyFindsAlteredHealthInARehashedCheckpoint(t *testing.T) {
	path := newFile(t)
	s := openFile(t, path)
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one)
	l.say(outOfService(one))
	l.after(dayLong).say(inService(one)) // behind the checkpoint of the next day
	wantWhole(t, s)
	db := openDB(t, path)
	rehash(t, db, 3, []byte(lsapi.OutOfService), []byte(strings.Repeat("x", len(lsapi.OutOfService))))
	rehash(t, db, 4, nil, nil)
	if _, err := db.ExecContext(t.Context(), "UPDATE logs SET last_hash = (SELECT hash FROM events WHERE seq = 4)"); err != nil {
		t.Fatal(err)
	}
	if found := verify(t, s); found.Breach == nil || found.Breach.Seq != 3 || !strings.Contains(found.Breach.Why, "health") {
		t.Errorf("got %+v, want that the health in event 3 is wrong", found.Breach)
	}
}

// Pruned events still count: the kept checkpoint has their sum.
func TestVerifyFindsAlteredHealthAfterPruning(t *testing.T) {
	path := newFile(t)
	s := openFile(t, path)
	l := newLane(t, s, lsapi.ELB("web"))
	l.say(inService(one))
	l.after(10 * dayLong).say(inService(two))
	if err := pruneAt(t, s, l.now, dayLong); err != nil {
		t.Fatal(err)
	}
	if found := wantWhole(t, s); found.Events != 2 {
		t.Fatalf("it was not pruned to the checkpoint of the last day: %+v", found)
	}
	edit(t, path, "UPDATE health SET description = 'x' WHERE member = '"+one.String()+"'")
	if found := verify(t, s); found.Breach == nil || found.Breach.Seq != 1 || !strings.Contains(found.Breach.Why, one.String()) {
		t.Errorf("got %+v, want that the health of %s is wrong", found.Breach, one)
	}
}
