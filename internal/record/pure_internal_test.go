package record

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"lsapi"
)

var midday = time.Date(2025, 11, 2, 12, 0, 0, 0, time.UTC)

func TestClockConvertsNothingIntoTheFuture(t *testing.T) {
	record, local := midday, midday.Add(-time.Hour)
	c := clock{now: record, before: local, after: local.Add(time.Second)}
	for _, test := range []struct{ local, record time.Time }{
		{local, record}, {local.Add(-time.Minute), record.Add(-time.Minute)}, {local.Add(time.Minute), record}, {time.Time{}, time.Time{}},
	} {
		if got := c.toRecord(test.local); !got.Equal(test.record) {
			t.Errorf("%v is converted to the record's %v, want %v", test.local, got, test.record)
		}
	}
	for _, test := range []struct{ record, local time.Time }{
		{record, c.after}, {record.Add(-time.Minute), c.after.Add(-time.Minute)}, {record.Add(time.Minute), c.after}, {time.Time{}, time.Time{}},
	} {
		if got := c.toLocal(test.record); !got.Equal(test.local) {
			t.Errorf("the record's %v is converted to %v, want %v", test.record, got, test.local)
		}
	}
}

func TestClockAcceptsChangesWithinTheTolerance(t *testing.T) {
	id := uuid.Must(uuid.NewV7())
	parsed, _ := changeID(id.String())
	asked := intendedAt(parsed)
	for ahead, want := range map[time.Duration]lsapi.Code{
		-time.Hour: "", 0: "", lsapi.ClockTolerance: "", lsapi.ClockTolerance + 1: lsapi.CodeUnavailable,
	} {
		err := clock{labels: asked.Add(-ahead)}.accepts(id.String())
		if lsapi.ErrorCode(err) != want {
			t.Errorf("one that is %v ahead: %v", ahead, err)
		}
	}
}

func TestClockConvertsTimesOfTheRecordToLabels(t *testing.T) {
	c := clock{now: midday, labels: midday.Add(-time.Hour)}
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
	row := func(seq int64, recorded time.Duration) eventRow {
		return eventRow{seq: seq, at: midday.Add(-time.Hour), recordedAt: midday.Add(recorded)}
	}
	l := &logRow{last: 5, clock: clock{now: midday}}
	if l.restamp(midday) || l.restamped != 0 {
		t.Error("a stamp of now is changed")
	}
	if got := l.recordedAt(row(5, time.Minute)); !got.Equal(midday.Add(time.Minute)) {
		t.Errorf("before that, a stamp of the future counts as %v", got)
	}
	if !l.restamp(midday.Add(1)) {
		t.Error("a stamp of the future is not changed")
	}
	old := row(4, 0)
	old.recordedAt = time.Time{} // as older versions wrote
	for name, test := range map[string]struct {
		row  eventRow
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
		l := &logRow{clock: clock{now: midday}, lookedAt: test.looked}
		if got := l.unproven(within); !got.Equal(test.want) {
			t.Errorf("looked at %s: since %v, want %v", name, got, test.want)
		}
	}
}

func TestDigestCoversEveryFieldOfAChange(t *testing.T) {
	change := func() recorded { return recorded{Change: lsapi.Change{ID: "a", MembersBefore: new(3)}} }
	d := newDigests()
	original := change()
	seen := map[uint64]string{d.of(&original): "nothing"}
	for name, alter := range map[string]func(*recorded){
		"id": func(c *recorded) { c.ID = "b" }, "load balancer": func(c *recorded) { c.LoadBalancer = "b" },
		"instance": func(c *recorded) { c.InstanceID = "b" }, "actor": func(c *recorded) { c.Actor = "b" },
		"action": func(c *recorded) { c.Action = "b" }, "reason": func(c *recorded) { c.Reason = "b" },
		"request": func(c *recorded) { c.RequestID = "b" }, "source": func(c *recorded) { c.Source = "b" },
		"outcome": func(c *recorded) { c.Outcome = "b" }, "code": func(c *recorded) { c.Code = "b" },
		"resolution": func(c *recorded) { c.Resolution = "b" }, "AWS request": func(c *recorded) { c.AWSRequestID = "b" },
		"type": func(c *recorded) { c.Instance.Type = "b" }, "another type": func(c *recorded) { c.Instance.Type = "c" },
		"state": func(c *recorded) { c.Instance.State = "b" }, "since": func(c *recorded) { c.NotBefore = midday },
		"deadline": func(c *recorded) { c.Deadline = midday }, "completed": func(c *recorded) { c.CompletedAt = midday },
		"launched": func(c *recorded) { c.Instance.LaunchTime = midday }, "begun": func(c *recorded) { c.begun = 1 },
		"done": func(c *recorded) { c.done = 1 }, "before": func(c *recorded) { c.MembersBefore = new(4) },
		"before, none": func(c *recorded) { c.MembersBefore = nil }, "after": func(c *recorded) { c.MembersAfter = new(0) },
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
	one := func(source lsapi.Source, outcome lsapi.Outcome) recorded {
		return recorded{Change: lsapi.Change{Source: source, Outcome: outcome}}
	}
	for name, test := range map[string]struct {
		changes []recorded
		want    bool
	}{
		"none":     {nil, false},
		"applied":  {[]recorded{one(lsapi.SourceLSAPI, lsapi.OutcomeFailed), one(lsapi.SourceLSAPI, lsapi.OutcomeApplied)}, true},
		"failed":   {[]recorded{one(lsapi.SourceLSAPI, lsapi.OutcomeFailed)}, false},
		"external": {[]recorded{one(lsapi.SourceExternal, lsapi.OutcomeApplied)}, false},
	} {
		if got := (effects{changes: test.changes}).apply(); got != test.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

// A completion stores what the intent does not have, and only that; both together give
// the change.
func TestCompletionStoresWhatIsNew(t *testing.T) {
	intent := changePayload{
		ID: "a", Actor: "alice", Reason: "r", RequestID: "1", Deadline: midday, InstanceType: "t2", LaunchTime: midday, State: "running", MembersBefore: new(3),
	}
	same, other := intent, intent
	other.Actor, other.Reason, other.RequestID, other.Deadline = "bob", "s", "2", midday.Add(1)
	other.InstanceType, other.LaunchTime, other.State, other.MembersBefore = "t3", midday.Add(1), "stopped", new(4)
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

func TestWakesReachThoseWhoWaitForTheName(t *testing.T) {
	w := newWakes()
	woken := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	first, forgetFirst := w.wait("a")
	second, forgetSecond := w.wait("a")
	other, forgetOther := w.wait("b")
	w.wake("a")
	w.wake("a") // holds one
	w.wake("none")
	if !woken(first) || !woken(second) || woken(other) || woken(first) {
		t.Error("not those who wait for it were woken once")
	}
	w.wakeAll()
	if !woken(first) || !woken(second) || !woken(other) {
		t.Error("not all were woken")
	}
	forgetFirst()
	w.wake("a")
	if woken(first) || !woken(second) {
		t.Error("one who has left is woken, or takes another along")
	}
	forgetSecond()
	forgetOther()
	if len(w.waiting) > 0 {
		t.Errorf("there are left %v", w.waiting)
	}
}

func TestFileThatIsGoneIsNamedSo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	write := func(path string) {
		t.Helper()
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(path)
	file, err := inodeOf(path)
	if err != nil || file.intact() != nil {
		t.Fatalf("it is not intact: %v, %v", err, file.intact())
	}
	write(path + "2")
	if err := os.Rename(path+"2", path); err != nil {
		t.Fatal(err)
	}
	if err := file.intact(); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another in its place: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := file.intact(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed: %v", err)
	}
}

// The lock's name must not depend on the folder that the process is in.
func TestRelativePathOfARecordIsMadeAbsolute(t *testing.T) {
	t.Chdir(t.TempDir())
	if f, err := find("lsapi.db"); err != nil || !filepath.IsAbs(f.path) {
		t.Errorf("it is %q, %v", f.path, err)
	}
}

func TestFoldComparesHealthThatItKnows(t *testing.T) {
	kept := healths{"i-1": {MemberHealth: lsapi.MemberHealth{InstanceID: "i-1", State: lsapi.InService}, seq: 1, since: midday}}
	for name, test := range map[string]struct {
		before healths
		bad    bool
	}{
		"nothing is known": {nil, false}, "the same is known": {kept, false}, "other is known": {healths{}, true},
	} {
		f := newFold("web", func(recorded) {})
		f.log.last, f.healths = 1, test.before
		p := new(payload)
		p.state(kept)
		if why := f.restated(p); (why != "") != test.bad {
			t.Errorf("%s: %q", name, why)
		}
		f.healths = test.before
		if why := f.restated(new(payload)); why != "" {
			t.Errorf("%s, and nothing is said: %q", name, why)
		}
	}
}
