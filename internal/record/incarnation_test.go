package record_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
)

// name records arn:a as the incarnation of the recorded members.
func (l *lane) name() {
	l.t.Helper()
	members := slices.Collect(maps.Keys(l.state().Members))
	l.append(lsapi.Event{Kind: lsapi.EventCheckpoint, At: l.now, Until: l.now, Incarnation: "arn:a", Members: members})
}

// replacement returns the events of another pool under the name, which has members, a
// minute later.
func (l *lane) replacement(from, to string, members ...lsapi.MemberID) []lsapi.Event {
	since := l.now
	l.after(time.Minute)
	look := lsapi.Event{Kind: lsapi.EventObserved, At: l.now, Since: since, Until: l.now}
	removed, added := look, look
	removed.Incarnation, removed.Removed = from, slices.Collect(maps.Keys(l.state().Members))
	added.Incarnation, added.Added = to, members
	if len(members) == 0 {
		added = lsapi.Event{Kind: lsapi.EventCheckpoint, At: l.now, Until: l.now, Incarnation: to}
	}
	return []lsapi.Event{removed, added}
}

func wantIncarnation(t testing.TB, l *lane, want string) {
	t.Helper()
	if got := l.state().Incarnation; got != want {
		t.Errorf("the incarnation is %q, want %q", got, want)
	}
}

func testIncarnation(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.TG("shop"))
	wantIncarnation(t, l, "")
	l.know()
	old := l.do(lsapi.Attach, one)
	l.do(lsapi.Attach, two)
	l.say(inService(one), draining(three))
	wantIncarnation(t, l, "")
	l.name()
	l.append(lsapi.Event{Kind: lsapi.EventObserved, At: l.now, Since: l.now, Until: l.now, Added: []lsapi.MemberID{three}}) // unknown
	wantIncarnation(t, l, "arn:a")
	before := l.now
	if got := l.history(one); got.ChangeID != old.ID || got.LastChange == nil || got.Health == nil {
		t.Errorf("naming the incarnation has changed the history: %+v", got)
	}

	l.append(l.replacement("arn:a", "arn:b", one, three)...)
	wantIncarnation(t, l, "arn:b")
	got := l.history(one)
	if !got.Member || got.Source != lsapi.SourceExternal || !got.Since.Equal(l.now) || got.ChangeID == old.ID || got.LastChange != nil || got.Health != nil {
		t.Errorf("the member has the history of another: %+v", got)
	}
	wantHealth(t, s, lsapi.TG("shop"))
	if change, err := s.Change(t.Context(), old.ID); err != nil || change.Outcome != lsapi.OutcomeApplied {
		t.Errorf("the old change is %+v (%v)", change, err)
	}
	for at, want := range map[time.Time][]lsapi.MemberID{before: {one, two, three}, l.now: {one, three}} {
		found, err := s.MembersAt(t.Context(), lsapi.TG("shop"), at)
		must(t, err)
		wantEqual(t, idsOf(found), want...)
	}
	var last []string
	for _, e := range events(t, s, lsapi.Position{}, 100) {
		for _, c := range e.External {
			if c.Member == one {
				last = append(last, fmt.Sprint(c.Action, " ", e.Event.Incarnation))
			}
		}
	}
	wantEqual(t, last, "detach arn:a", "attach arn:b")
	changes, err := s.Changes(t.Context(), lsapi.ChangeFilter{Pool: lsapi.TG("shop"), From: l.now, Limit: 10})
	must(t, err)
	if len(changes) != 5 {
		t.Errorf("got %+v", changes)
	}
	for i, c := range changes { // the latest first
		if attached := i < 2; attached != (c.Action == lsapi.Attach) {
			t.Errorf("change %d is %+v", i, c)
		}
	}

	next := l.do(lsapi.Attach, two)
	if got := l.history(two); got.ChangeID != next.ID || got.LastChange == nil || got.LastChange.ID != next.ID {
		t.Errorf("a change of the new pool is not its last: %+v", got)
	}
	l.append(l.replacement("arn:b", "arn:c")...) // without members
	wantIncarnation(t, l, "arn:c")
	if state := l.state(); len(state.Members) > 0 {
		t.Errorf("the members are %v", state.Members)
	}
	wantWhole(t, s, chainEnds(t, s)...)
}

func idsOf(found lsapi.MembershipAt) (ids []lsapi.MemberID) {
	for _, m := range found.Members {
		ids = append(ids, m.Member)
	}
	return ids
}

func (l *lane) history(member lsapi.MemberID) lsapi.MemberHistory {
	l.t.Helper()
	found, err := l.s.MemberHistory(l.t.Context(), l.lease.Pool, []lsapi.MemberID{member})
	must(l.t, err)
	return found[member]
}

func testIncarnationRepeated(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.TG("shop"))
	l.know(one, two)
	l.name()
	replaced := l.replacement("arn:a", "arn:b", two, three)
	l.append(replaced...)
	noted := chainEnds(t, s)
	l.append(replaced...)
	wantEqual(t, chainEnds(t, s), noted...)
	l.append(lsapi.Event{Kind: lsapi.EventObserved, At: l.now, Since: l.now, Until: l.now, Incarnation: "arn:b", Removed: []lsapi.MemberID{two}})
	if state := l.state(); !maps.Equal(state.Members, map[lsapi.MemberID]bool{three: true}) {
		t.Errorf("a removal from the new pool is lost: %v", state.Members)
	}
	wantWhole(t, s)
}

func testInvalidIncarnations(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.TG("shop"))
	l.know(one)
	l.name()
	for name, event := range map[string]lsapi.Event{
		"members of the one before":   {Kind: lsapi.EventObserved, Until: l.now, Incarnation: "arn:b", Added: []lsapi.MemberID{two}},
		"a checkpoint with the same":  {Kind: lsapi.EventCheckpoint, Until: l.now, Incarnation: "arn:b", Members: []lsapi.MemberID{one}},
		"an intent of an incarnation": {Kind: lsapi.EventIntended, Incarnation: "arn:a", Change: l.change(lsapi.Attach, two)},
	} {
		event.At = l.now
		if _, err := s.Append(t.Context(), l.lease, []lsapi.Event{event}); lsapi.ErrorCode(err) != lsapi.CodeInternal {
			t.Errorf("%s: got %v", name, err)
		}
	}
	wantIncarnation(t, l, "arn:a")
}

func testIncarnationPruned(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.TG("shop"))
	l.know(one)
	l.name()
	l.append(l.replacement("arn:a", "arn:b", one)...)
	l.say(inService(one))
	c := l.after(5*dayLong).do(lsapi.Attach, two)
	must(t, pruneAt(t, s, l.now.Add(time.Hour), 2*dayLong))
	if found := wantWhole(t, s, chainEnds(t, s)...); found.Events >= 6 {
		t.Fatalf("nothing was pruned: %+v", found)
	}
	wantIncarnation(t, l, "arn:b")
	if got := l.history(two); got.LastChange == nil || got.LastChange.ID != c.ID {
		t.Errorf("got %+v", got)
	}
	l.append(l.replacement("arn:b", "arn:c", two)...)
	if got := l.history(two); got.LastChange != nil {
		t.Errorf("got %+v", got)
	}
	wantWhole(t, s)
}

func TestVerifyFindsAlteredIncarnations(t *testing.T) {
	for name, statement := range map[string]string{
		"the incarnation":      "UPDATE logs SET incarnation = 'arn:c'",
		"no incarnation":       "UPDATE logs SET incarnation = ''",
		"an older replacement": "UPDATE logs SET replaced_seq = 0",
		"a later replacement":  "UPDATE logs SET replaced_seq = replaced_seq + 1",
	} {
		for _, pruned := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, pruned %v", name, pruned), func(t *testing.T) {
				path := newFile(t)
				s := openFile(t, path)
				l := newLane(t, s, lsapi.TG("shop"))
				l.know(one)
				l.name()
				l.after(5 * dayLong).say(inService(one))
				if pruned {
					must(t, pruneAt(t, s, l.now.Add(time.Hour), 2*dayLong))
				}
				l.append(l.replacement("arn:a", "arn:b", one)...)
				wantWhole(t, s)
				edit(t, path, statement)
				if found := verify(t, s); found.Breach == nil || found.Breach.Pool != lsapi.TG("shop") {
					t.Errorf("got %+v", found.Breach)
				}
			})
		}
	}
}

// The kept checkpoint has the incarnation that pruned events named.
func TestVerifyFindsAnAlteredIncarnationAfterPruning(t *testing.T) {
	path := newFile(t)
	s := openFile(t, path)
	l := newLane(t, s, lsapi.TG("shop"))
	l.know(one)
	l.name()
	l.after(5 * dayLong).say(inService(one))
	must(t, pruneAt(t, s, l.now.Add(time.Hour), 2*dayLong))
	wantWhole(t, s)
	edit(t, path, "UPDATE logs SET incarnation = 'arn:b'")
	if found := verify(t, s); found.Breach == nil || found.Breach.Pool != lsapi.TG("shop") {
		t.Errorf("got %+v", found.Breach)
	}
}
