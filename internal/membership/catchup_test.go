package membership_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/membership"
)

// elsewhere is a change of one that another process has just applied, by the event of that
// number.
func elsewhere(action lsapi.Action, seq int64) lsapi.AppliedChange {
	return lsapi.AppliedChange{
		Change: lsapi.Change{
			ID: fmt.Sprint("elsewhere-", seq), Action: action, Pool: web, Member: one,
			IntendedAt: time.Now(), CompletedAt: time.Now(), Outcome: lsapi.OutcomeApplied,
			Instance: lsapi.Instance{ID: one.String(), Type: "t2.micro", State: lsapi.StateRunning},
		},
		Seq: seq, At: time.Now(),
	}
}

func TestChangeLearnedLateDoesNotOverrideTheOneThatFollowedIt(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.lag = 9 * time.Second
	recorded(t, aws, record, func(t *testing.T, s *service) {
		before := elsewhere(lsapi.Detach, 1)
		record.add(lsapi.Event{Kind: lsapi.EventCompleted, At: time.Now(), Change: before.Change})
		wantCode(t, change(s, lsapi.Attach, one), "")
		if err := s.recent.Learn(web, []lsapi.AppliedChange{before}); err != nil {
			t.Fatal(err)
		}
		if got := listed(t, aws, s); !slices.Equal(got, []lsapi.MemberID{one}) {
			t.Errorf("the list is %v", got)
		}
	})
}

func TestOwnChangeReadFromTheRecordIsNoNews(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	synctest.Test(t, func(t *testing.T) {
		shown := 0
		s := newService(aws, membership.Options{Record: record}, func(lsapi.PoolID, []lsapi.Member, []lsapi.Member) { shown++ })
		wantCode(t, change(s, lsapi.Attach, one), "")
		if err := s.CatchUp(t.Context(), web); err != nil {
			t.Fatal(err)
		}
		if shown != 1 {
			t.Errorf("the change was shown %d times", shown)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestCatchUpShowsWhatAnotherReplicaHasApplied(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.lag = 5 * time.Second
	replicas(t, aws, record, 0, func(t *testing.T, a, b *service) {
		wantCode(t, change(b, lsapi.Attach, one), "")
		if err := a.CatchUp(t.Context(), web); err != nil {
			t.Fatal(err)
		}
		if got := listed(t, aws, a); !slices.Equal(got, []lsapi.MemberID{one}) {
			t.Errorf("the list is %v", got)
		}
		record.fails(unavailable)
		wantCode(t, lsapi.ErrorCode(a.CatchUp(t.Context(), web)), lsapi.CodeUnavailable)
		record.fails(nil)
	})
}
