package web_test

import (
	"net/http"
	"strings"
	"testing"

	"lsapi"
)

func undoOf(id string) write { return write{method: "POST", path: "/v1/changes/" + id + "/undo"} }

func TestUndoMakesTheOppositeChange(t *testing.T) {
	for action, want := range map[lsapi.Action]lsapi.Action{lsapi.Attach: lsapi.Detach, lsapi.Detach: lsapi.Attach} {
		for _, source := range []lsapi.Source{lsapi.SourceLSAPI, lsapi.SourceExternal} {
			member := map[lsapi.Action]string{lsapi.Attach: running, lsapi.Detach: spare}[action]
			w := newWritable()
			of := &w.record.changes[0]
			of.Action, of.Member, of.Source, of.Undoes = action, lsapi.InstanceMember(member), source, changeID(3, epoch) // an undo can be undone
			got := w.send(undoOf(undoable), "", nil)
			r, asked := changeResult(t, got), w.members.requests[0]
			if got.StatusCode != http.StatusOK || r.Undoes != undoable || r.Action != string(want) || r.Outcome != "applied" || r.Pool != "elb/default-elb" || r.Member != member || r.ChangeID == undoable {
				t.Errorf("of an %s it is %d %s", action, got.StatusCode, got.body)
			}
			if asked.Undoes != undoable || asked.Action != want || asked.Member != of.Member || asked.Pool != of.Pool || asked.ChangeID != r.ChangeID {
				t.Errorf("of an %s requested is %+v", action, asked)
			}
		}
	}
}

func TestOnlyAppliedChangesCanBeUndone(t *testing.T) {
	for outcome, text := range map[lsapi.Outcome]string{
		lsapi.OutcomeConflict: "conflict", lsapi.OutcomeRefused: "refused", lsapi.OutcomeFailed: "failed", lsapi.OutcomeWithdrawn: "withdrawn",
		lsapi.OutcomeUnknown: "unknown", "": "no outcome yet",
	} {
		for _, query := range []string{"", "dryRun=true"} {
			w := newWritable()
			w.record.changes[0].Outcome = outcome
			got := w.send(undoOf(undoable), query, nil)
			if p := readProblem(t, got); p.Status != http.StatusConflict || p.Code != "change.not_undoable" || !strings.Contains(p.Detail, text) || w.wasAsked() {
				t.Errorf("%q is %d %s", outcome, got.StatusCode, got.body)
			}
		}
	}
	for _, id := range []string{"7", changeID(9, epoch)} {
		if got := newWritable().send(undoOf(id), "", nil); readProblem(t, got).Status != http.StatusNotFound {
			t.Errorf("%s is %d %s", id, got.StatusCode, got.body)
		}
	}
}

// What came after the change may not be on record yet.
func TestUndoOfAChangedMembershipIsSuperseded(t *testing.T) {
	for action, member := range map[lsapi.Action]string{lsapi.Attach: spare, lsapi.Detach: running} { // as the undo would leave them
		w := newWritable()
		w.record.changes[0].Action, w.record.changes[0].Member = action, lsapi.InstanceMember(member)
		got := w.send(undoOf(undoable), "", nil)
		if p := readProblem(t, got); p.Status != http.StatusConflict || p.Code != "change.superseded" || !strings.Contains(p.Detail, member) {
			t.Errorf("of an %s it is %d %s", action, got.StatusCode, got.body)
		}
		dry := newWritable()
		dry.record.changes[0] = w.record.changes[0]
		if got := dry.send(undoOf(undoable), "dryRun=true", nil); got.StatusCode != http.StatusOK || changeResult(t, got).Problem.Code != "change.superseded" {
			t.Errorf("as a dry run it is %d %s", got.StatusCode, got.body)
		}
	}
	w := newWritable()
	w.members.refuseOne = func() (lsapi.Result, error) {
		return lsapi.Result{}, lsapi.Errorf(lsapi.CodeSuperseded, "later came 7")
	}
	if got := w.send(undoOf(undoable), "", nil); readProblem(t, got).Detail != "later came 7" {
		t.Errorf("it is %d %s", got.StatusCode, got.body)
	}
}

func TestUndoIsMadeOnceForItsKey(t *testing.T) {
	for outcome, want := range map[lsapi.Outcome]int{lsapi.OutcomeApplied: 200, lsapi.OutcomeConflict: 409, lsapi.OutcomeUnknown: 504, "": 409} {
		w := newWritable()
		of := w.record.changes[0]
		first := w.send(undoOf(undoable), "", keyed)
		w.becomes(outcome)
		w.record.changes[0].Undoes = undoable
		w.record.changes = append([]lsapi.Change{of}, w.record.changes...)
		again := w.send(undoOf(undoable), "", keyed)
		if again.StatusCode != want || len(w.members.requests) != 1 || want == 200 && again.body != first.body {
			t.Errorf("%q: it is %s, and repeated %d %s", outcome, first.body, again.StatusCode, again.body)
		}
	}
}
