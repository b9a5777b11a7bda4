package membership_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
)

// undo makes the opposite of the change with an id.
func undo(s *service, action lsapi.Action, member lsapi.MemberID, id string) error {
	r := request(action, member)
	r.Undoes = id
	_, err := s.Change(context.Background(), r)
	return err
}

// applied makes a change and returns its id.
func applied(t *testing.T, s *service, action lsapi.Action, member lsapi.MemberID) string {
	t.Helper()
	r := request(action, member)
	if _, err := s.Change(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r.ChangeID
}

func TestUndoOfTheLastChange(t *testing.T) {
	aws, record := newFakeAWS(two), newFakeRecord()
	aws.run(one, two)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		id := applied(t, s, lsapi.Attach, one)
		applied(t, s, lsapi.Detach, two) // of another member
		wantCode(t, lsapi.ErrorCode(undo(s, lsapi.Detach, one, id)), "")
		last := lastOf(record.recorded()).Change
		if last.Undoes != id || last.Outcome != lsapi.OutcomeApplied {
			t.Errorf("the record has %+v", last)
		}
		wantCode(t, lsapi.ErrorCode(undo(s, lsapi.Attach, one, last.ID)), "") // an undo is undone, too
		wantMembers(t, aws, one)
	})
}

func TestUndoNamesTheChangesThatCameAfter(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		first := applied(t, s, lsapi.Attach, one)
		second := applied(t, s, lsapi.Detach, one)
		third := applied(t, s, lsapi.Attach, one)
		events := len(record.recorded())
		err := undo(s, lsapi.Detach, one, first)
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeSuperseded)
		for _, part := range []string{"detach by alice at 2000-01-01T00:00:0", second, "attach by alice", third} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the message lacks %q: %v", part, err)
			}
		}
		err = undo(s, lsapi.Attach, one, second) // a conflict, too
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeSuperseded)
		if n := len(record.recorded()); n != events {
			t.Errorf("the record has %d more events", n-events)
		}
		wantMembers(t, aws, one)
	})
}

func TestUndoFindsExternalChangesInItsRound(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		id := applied(t, s, lsapi.Attach, one)
		time.Sleep(time.Minute)
		outside(aws)
		err := undo(s, lsapi.Detach, one, id)
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeSuperseded)
		if !strings.Contains(err.Error(), "detach outside of lsapi at ") {
			t.Errorf("the message is %v", err)
		}
		synctest.Wait() // the answer does not wait for what the round records besides
		if got, want := record.lines(), "observed + -i-00000001"; !slices.Contains(got, want) {
			t.Errorf("the record has %v", got)
		}
		err = undo(s, lsapi.Detach, one, id) // it is on record now
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeSuperseded)
	})
}

func TestUndoOfAnEarlierPoolChangesNothing(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		id := applied(t, s, lsapi.Attach, one)
		record.fails(func(op string, _ []lsapi.Event) error {
			if op == "Later" {
				return &lsapi.Error{Code: lsapi.CodeSuperseded}
			}
			return nil
		})
		wantCode(t, lsapi.ErrorCode(undo(s, lsapi.Detach, one, id)), lsapi.CodeSuperseded)
		record.fails(nil)
		wantMembers(t, aws, one)
	})
}

func TestUndoWithoutTheRecordChangesNothing(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		id := applied(t, s, lsapi.Attach, one)
		record.fails(func(op string, events []lsapi.Event) error {
			if op == "Later" {
				return unavailable(op, events)
			}
			return nil
		})
		wantCode(t, lsapi.ErrorCode(undo(s, lsapi.Detach, one, id)), lsapi.CodeUnavailable)
		record.fails(nil)
		wantMembers(t, aws, one)
	})
}
