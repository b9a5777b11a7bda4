package record_test

import (
	"reflect"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
)

// testTerms records the terms of changes: in an intent, which its completion and a
// checkpoint between keep, and in a refusal, which is one event.
func testTerms(t *testing.T, s record.Store) {
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one, two)
	c := l.change(lsapi.Detach, one)
	c.Bulk, c.Undoes, c.IfMatch = idAt(noon), idAt(noon), `"v1","v2"`
	c.Guard = &lsapi.GuardVerdict{Rule: "minInService 3", Overridden: true, Reason: "the machine burns"}
	l.intend(c)
	wantTerms(t, s, c, c.Guard)
	if open := l.state().Open; len(open) != 1 || open[0].Bulk != c.Bulk || !reflect.DeepEqual(open[0].Guard, c.Guard) {
		t.Errorf("the open change is %+v", open)
	}
	l.after(dayLong).know(one, two)
	wantWhole(t, s)
	l.complete(lsapi.Change{ID: c.ID, Action: c.Action, Member: c.Member}, lsapi.OutcomeApplied)
	wantTerms(t, s, c, c.Guard)

	refused := l.after(time.Second).change(lsapi.Detach, two)
	refused.Outcome, refused.Code, refused.Bulk = lsapi.OutcomeRefused, "guard.keep_last", c.Bulk
	refused.Guard = &lsapi.GuardVerdict{Rule: "keepLast"}
	event := lsapi.Event{Kind: lsapi.EventCompleted, At: l.now, Change: refused}
	l.append(event)
	l.append(event) // a repetition
	wantTerms(t, s, refused, refused.Guard)
	for _, e := range events(t, s, lsapi.Position{}, 10) {
		if e.Event.Change.Bulk != c.Bulk || e.Event.Change.Guard == nil {
			t.Errorf("an event has the change %+v", e.Event.Change)
		}
	}
	if found := wantWhole(t, s, chainEnds(t, s)...); found.Changes != 2 {
		t.Errorf("got %+v", found)
	}
}

func wantTerms(t *testing.T, s record.Store, want lsapi.Change, guard *lsapi.GuardVerdict) {
	t.Helper()
	got, err := s.Change(t.Context(), want.ID)
	must(t, err)
	if got.Bulk != want.Bulk || got.Undoes != want.Undoes || got.IfMatch != want.IfMatch || !reflect.DeepEqual(got.Guard, guard) {
		t.Errorf("got %+v with the guard %+v\nwant %+v with %+v", got, got.Guard, want, guard)
	}
}

func TestVerifyFindsAlteredTerms(t *testing.T) {
	for _, statement := range []string{
		"UPDATE changes SET bulk = NULL", "UPDATE changes SET undoes = ''", "UPDATE changes SET if_match = '*'",
		"UPDATE changes SET guard_rule = ''", "UPDATE changes SET guard_overridden = 0", "UPDATE changes SET guard_reason = ''",
	} {
		t.Run(statement, func(t *testing.T) {
			path := newFile(t)
			s := openFile(t, path)
			l := newLane(t, s, lsapi.ELB("web"))
			c := l.change(lsapi.Detach, one)
			c.Bulk, c.Undoes, c.IfMatch = idAt(noon), idAt(noon), `"v1"`
			c.Guard = &lsapi.GuardVerdict{Rule: "keepLast", Overridden: true, Reason: "r"}
			l.complete(l.intend(c), lsapi.OutcomeApplied)
			wantWhole(t, s)
			edit(t, path, statement)
			if found := verify(t, s); found.Breach == nil || found.Breach.ChangeID != c.ID {
				t.Errorf("got %+v", found.Breach)
			}
		})
	}
}
