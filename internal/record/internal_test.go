package record

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"lsapi"
)

var midday = time.Date(2025, 11, 2, 12, 0, 0, 0, time.UTC)

func TestClockConvertsNothingIntoTheFuture(t *testing.T) {
	record, local := midday, midday.Add(-time.Hour)
	c := Clock{Now: record, Before: local, After: local.Add(time.Second)}
	for _, test := range []struct{ local, record time.Time }{
		{local, record}, {local.Add(-time.Minute), record.Add(-time.Minute)}, {local.Add(time.Minute), record}, {time.Time{}, time.Time{}},
	} {
		if got := c.toRecord(test.local); !got.Equal(test.record) {
			t.Errorf("%v is converted to the record's %v, want %v", test.local, got, test.record)
		}
	}
	for _, test := range []struct{ record, local time.Time }{
		{record, c.After}, {record.Add(-time.Minute), c.After.Add(-time.Minute)}, {record.Add(time.Minute), c.After}, {time.Time{}, time.Time{}},
	} {
		if got := c.toLocal(test.record); !got.Equal(test.local) {
			t.Errorf("the record's %v is converted to %v, want %v", test.record, got, test.local)
		}
	}
}

func TestClockAcceptsChangesWithinTheTolerance(t *testing.T) {
	id := uuid.Must(uuid.NewV7())
	parsed, _ := ParseID(id.String())
	asked := IntendedAt(parsed)
	for ahead, want := range map[time.Duration]lsapi.Code{
		-time.Hour: "", 0: "", lsapi.ClockTolerance: "", lsapi.ClockTolerance + 1: lsapi.CodeUnavailable,
	} {
		err := Clock{Labels: asked.Add(-ahead)}.accepts(id.String())
		if lsapi.ErrorCode(err) != want {
			t.Errorf("one that is %v ahead: %v", ahead, err)
		}
	}
}

func TestClockConvertsTimesOfTheRecordToLabels(t *testing.T) {
	c := Clock{Now: midday, Labels: midday.Add(-time.Hour)}
	for at, want := range map[time.Time]time.Time{
		midday: midday.Add(-time.Hour), midday.Add(-time.Minute): midday.Add(-time.Hour - time.Minute), {}: {},
	} {
		if got := c.toLabel(at); !got.Equal(want) {
			t.Errorf("the record's %v is labelled %v, want %v", at, got, want)
		}
	}
}

// What is stamped with a time to come counts as recorded when that was noticed.
func TestLogDatesEventsOfAClockThatWasSetBack(t *testing.T) {
	row := func(seq int64, recorded time.Duration) EventRow {
		return EventRow{Seq: seq, At: midday.Add(-time.Hour), RecordedAt: midday.Add(recorded)}
	}
	l := &LogRow{Last: 5, Clock: Clock{Now: midday}}
	if l.restamp(midday) || l.Restamped != 0 {
		t.Error("a stamp of now is changed")
	}
	if got := l.recordedAt(row(5, time.Minute)); !got.Equal(midday.Add(time.Minute)) {
		t.Errorf("before that, a stamp of the future counts as %v", got)
	}
	if !l.restamp(midday.Add(1)) {
		t.Error("a stamp of the future is not changed")
	}
	old := row(4, 0)
	old.RecordedAt = time.Time{} // as older versions wrote
	for name, test := range map[string]struct {
		row  EventRow
		want time.Time
	}{
		"the last before":     {row(5, time.Minute), midday},
		"one in the past":     {row(4, -time.Minute), midday.Add(-time.Minute)},
		"one behind":          {row(6, time.Minute), midday.Add(time.Minute)},
		"one without a stamp": {old, midday.Add(-time.Hour)},
	} {
		if got := l.recordedAt(test.row); !got.Equal(test.want) {
			t.Errorf("%s counts as recorded at %v, want %v", name, got, test.want)
		}
	}
}

func TestUnprovenChangesReachBackFromTheLastLook(t *testing.T) {
	const within = time.Minute
	for name, test := range map[string]struct{ looked, want time.Time }{
		"never":      {time.Time{}, midday.Add(-within)},
		"now":        {midday, midday.Add(-within)},
		"a hour ago": {midday.Add(-time.Hour), midday.Add(-time.Hour - within)},
	} {
		l := &LogRow{Clock: Clock{Now: midday}, LookedAt: test.looked}
		if got := l.unproven(within); !got.Equal(test.want) {
			t.Errorf("looked at %s: since %v, want %v", name, got, test.want)
		}
	}
}

func TestDigestCoversEveryFieldOfAChange(t *testing.T) {
	change := func() ChangeRow { return ChangeRow{Change: lsapi.Change{ID: "a", MembersBefore: new(3)}} }
	d := newDigests()
	original := change()
	seen := map[uint64]string{d.of(&original): "nothing"}
	for name, alter := range map[string]func(*ChangeRow){
		"id": func(c *ChangeRow) { c.ID = "b" }, "load balancer": func(c *ChangeRow) { c.Pool = lsapi.ELB("b") },
		"instance": func(c *ChangeRow) { c.Member = lsapi.InstanceMember("b") }, "actor": func(c *ChangeRow) { c.Actor = "b" },
		"action": func(c *ChangeRow) { c.Action = "b" }, "reason": func(c *ChangeRow) { c.Reason = "b" },
		"request": func(c *ChangeRow) { c.RequestID = "b" }, "source": func(c *ChangeRow) { c.Source = "b" },
		"outcome": func(c *ChangeRow) { c.Outcome = "b" }, "code": func(c *ChangeRow) { c.Code = "b" },
		"resolution": func(c *ChangeRow) { c.Resolution = "b" }, "AWS request": func(c *ChangeRow) { c.AWSRequestID = "b" },
		"type": func(c *ChangeRow) { c.Instance.Type = "b" }, "another type": func(c *ChangeRow) { c.Instance.Type = "c" },
		"state": func(c *ChangeRow) { c.Instance.State = "b" }, "since": func(c *ChangeRow) { c.NotBefore = midday },
		"deadline": func(c *ChangeRow) { c.Deadline = midday }, "completed": func(c *ChangeRow) { c.CompletedAt = midday },
		"launched": func(c *ChangeRow) { c.Instance.LaunchTime = midday }, "begun": func(c *ChangeRow) { c.Begun = 1 },
		"done": func(c *ChangeRow) { c.Done = 1 }, "before": func(c *ChangeRow) { c.MembersBefore = new(4) },
		"before, none": func(c *ChangeRow) { c.MembersBefore = nil }, "after": func(c *ChangeRow) { c.MembersAfter = new(0) },
		"bulk": func(c *ChangeRow) { c.Bulk = "b" }, "undoes": func(c *ChangeRow) { c.Undoes = "b" },
		"precondition": func(c *ChangeRow) { c.IfMatch = "b" }, "guard": func(c *ChangeRow) { c.Guard = &lsapi.GuardVerdict{Rule: "b"} },
		"overridden": func(c *ChangeRow) { c.Guard = &lsapi.GuardVerdict{Rule: "b", Overridden: true} },
		"why it is":  func(c *ChangeRow) { c.Guard = &lsapi.GuardVerdict{Rule: "b", Overridden: true, Reason: "b"} },
	} {
		c := change()
		alter(&c)
		digest := d.of(&c)
		if other, ok := seen[digest]; ok {
			t.Errorf("%s and %s give the same", name, other)
		}
		seen[digest] = name
	}
}

func TestOnlyChangesOfLsapiApply(t *testing.T) {
	one := func(source lsapi.Source, outcome lsapi.Outcome) ChangeRow {
		return ChangeRow{Change: lsapi.Change{Source: source, Outcome: outcome}}
	}
	for name, test := range map[string]struct {
		changes []ChangeRow
		want    bool
	}{
		"none":     {nil, false},
		"applied":  {[]ChangeRow{one(lsapi.SourceLSAPI, lsapi.OutcomeFailed), one(lsapi.SourceLSAPI, lsapi.OutcomeApplied)}, true},
		"failed":   {[]ChangeRow{one(lsapi.SourceLSAPI, lsapi.OutcomeFailed)}, false},
		"external": {[]ChangeRow{one(lsapi.SourceExternal, lsapi.OutcomeApplied)}, false},
	} {
		if got := (effects{changes: test.changes}).applies(); got != test.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

// A completion stores what the intent does not have, and only that; both together give
// the change.
func TestCompletionStoresWhatIsNew(t *testing.T) {
	intent := changePayload{
		ID: "a", Actor: "alice", Reason: "r", RequestID: "1", Deadline: midday, InstanceType: "t2", LaunchTime: midday, State: "running", MembersBefore: new(3),
		Bulk: "b", Undoes: "u", IfMatch: "m", Guard: guardPayload{Rule: "keepLast", Overridden: true, Reason: "g"},
	}
	same, other := intent, intent
	other.Actor, other.Reason, other.RequestID, other.Deadline = "bob", "s", "2", midday.Add(1)
	other.InstanceType, other.LaunchTime, other.State, other.MembersBefore = "t3", midday.Add(1), "stopped", new(4)
	other.Bulk, other.Undoes, other.IfMatch, other.Guard = "c", "v", "n", guardPayload{Rule: "keepLast"}
	for name, test := range map[string]struct{ done, stored changePayload }{
		"the same": {same, changePayload{ID: "a"}}, "all else": {other, other},
	} {
		got := test.done
		got.without(intent)
		if !equalPayloads(got, test.stored) {
			t.Errorf("%s: stored is %+v", name, got)
		}
		got.with(intent)
		if !equalPayloads(got, test.done) {
			t.Errorf("%s: read is %+v", name, got)
		}
	}
	got := changePayload{MembersAfter: new(1)}
	got.with(changePayload{MembersAfter: new(2)})
	if *got.MembersAfter != 1 {
		t.Errorf("what it says itself is replaced: %+v", got)
	}
}

func equalPayloads(a, b changePayload) bool {
	same := func(a, b *int) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }
	counts := same(a.MembersBefore, b.MembersBefore) && same(a.MembersAfter, b.MembersAfter)
	a.MembersBefore, a.MembersAfter, b.MembersBefore, b.MembersAfter = nil, nil, nil, nil
	return counts && a == b
}

func TestHintsWakeTheWaitersOfAName(t *testing.T) {
	w := new(Hints)
	woken := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	first, forgetFirst := w.Wait("a")
	second, forgetSecond := w.Wait("a")
	other, forgetOther := w.Wait("b")
	w.Wake("a")
	w.Wake("a") // holds one
	w.Wake("none")
	if !woken(first) || !woken(second) || woken(other) || woken(first) {
		t.Error("the waiters of the name were not woken once")
	}
	w.WakeAll()
	if !woken(first) || !woken(second) || !woken(other) {
		t.Error("not all were woken")
	}
	forgetFirst()
	w.Wake("a")
	if woken(first) || !woken(second) {
		t.Error("a waiter that left is woken, or removed another")
	}
	forgetSecond()
	forgetOther()
	if len(w.waiting) > 0 {
		t.Errorf("there are left %v", w.waiting)
	}
}

func TestFoldComparesKnownHealth(t *testing.T) {
	kept := Healths{lsapi.InstanceMember("i-1"): {MemberHealth: lsapi.MemberHealth{Member: lsapi.InstanceMember("i-1"), State: lsapi.InService}, Seq: 1, Since: midday}}
	for name, test := range map[string]struct {
		before Healths
		bad    bool
	}{
		"nothing is known": {nil, false}, "the same is known": {kept, false}, "other is known": {Healths{}, true},
	} {
		f := newFold(lsapi.ELB("web"), func(ChangeRow) {})
		f.log.Last, f.healths = 1, test.before
		p := new(payload)
		p.setHealths(kept)
		if why := f.restated(p); (why != "") != test.bad {
			t.Errorf("%s: %q", name, why)
		}
		f.healths = test.before
		if why := f.restated(new(payload)); why != "" {
			t.Errorf("%s, and nothing is said: %q", name, why)
		}
	}
}

func TestLabelsOfAReplicaAreConvertedToTheRecordsClock(t *testing.T) {
	now := time.Date(2026, 11, 30, 1, 0, 0, 0, time.UTC)
	for ahead, want := range map[time.Duration]time.Duration{
		0: 0, 100 * time.Millisecond: 0, -100 * time.Millisecond: 0, // that may be the time that asking takes
		4 * time.Second: -4 * time.Second, -4 * time.Second: 4 * time.Second,
	} {
		local := now.Add(ahead)
		c := DatabaseClock(now, local, local)
		looked := local.Add(-time.Minute)
		if got := c.label(looked); got.Sub(looked) != want {
			t.Errorf("by a clock that is %v ahead, %v is labelled %v", ahead, looked, got)
		}
	}
	if c := DatabaseClock(now, now.Add(time.Hour), now); !c.label(time.Time{}).IsZero() {
		t.Error("no time became one")
	}
}

func TestExternalAttachesSortBehindDetachesOfTheSameTime(t *testing.T) {
	one, two := lsapi.InstanceMember("i-00000001"), lsapi.InstanceMember("i-00000002")
	for range 100 {
		p, err := accept(lsapi.ELB("web"), lsapi.Event{Kind: lsapi.EventObserved, Until: time.Now(), Added: []lsapi.MemberID{one}, Removed: []lsapi.MemberID{two}})
		if err != nil {
			t.Fatal(err)
		}
		added, removed := p.Added[one], p.Removed[two]
		if _, ok := ParseID(added); !ok || added < removed {
			t.Fatalf("the attach is %s, the detach %s", added, removed)
		}
	}
}
