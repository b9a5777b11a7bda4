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

// elsewhere is a change that another process has applied just now, by the event of
// that number.
func elsewhere(action lsapi.Action, instance string, seq int64) lsapi.AppliedChange {
	return lsapi.AppliedChange{
		Change: lsapi.Change{
			ID: fmt.Sprint("elsewhere-", seq), Action: action, LoadBalancer: "web", InstanceID: instance,
			IntendedAt: time.Now(), CompletedAt: time.Now(), Outcome: lsapi.OutcomeApplied,
			Instance: lsapi.Instance{ID: instance, Type: "t2.micro", State: lsapi.StateRunning},
		},
		Seq: seq, At: time.Now(),
	}
}

func TestWhatOtherReplicasHaveAppliedShowsWhileReadsLag(t *testing.T) {
	aws := newFakeAWS(one)
	synctest.Test(t, func(t *testing.T) {
		var told []string
		s := membership.New(aws, membership.Options{Applied: func(_ string, attached, detached []lsapi.Instance) {
			for _, i := range attached {
				told = append(told, "+"+i.ID)
			}
			for _, i := range detached {
				told = append(told, "-"+i.ID)
			}
		}})
		changes := []lsapi.AppliedChange{elsewhere(lsapi.Attach, two, 1), elsewhere(lsapi.Detach, one, 2)}
		time.Sleep(time.Millisecond)
		changes = append(changes, elsewhere(lsapi.Attach, three, 3), elsewhere(lsapi.Detach, two, 4))
		if err := s.Learn("web", changes); err != nil {
			t.Fatal(err)
		}
		if want := []string{"+" + three, "-" + one, "-" + two}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		if got := listed(t, aws, s); !slices.Equal(got, []string{three}) {
			t.Errorf("the list is %v", got)
		}
		if err := s.Learn("web", changes[:1]); err != nil { // an old one comes again
			t.Fatal(err)
		}
		if len(told) != 3 {
			t.Errorf("told %q: an older change is no news", told)
		}
		if got := listed(t, aws, s); !slices.Equal(got, []string{three}) {
			t.Errorf("the list is %v after an older change came late", got)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestChangeLearnedLateDoesNotOverrideTheOneThatFollowedIt(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.lag = 9 * time.Second
	recorded(t, aws, record, func(t *testing.T, s *membership.Service) {
		before := elsewhere(lsapi.Detach, one, 1)
		record.add(lsapi.Event{Kind: lsapi.EventCompleted, At: time.Now(), Change: before.Change})
		wantCode(t, change(s, lsapi.Attach, one), "")
		if err := s.Learn("web", []lsapi.AppliedChange{before}); err != nil {
			t.Fatal(err)
		}
		if got := listed(t, aws, s); !slices.Equal(got, []string{one}) {
			t.Errorf("the list is %v", got)
		}
	})
}

func TestOwnChangeReadFromTheRecordIsNoNews(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	synctest.Test(t, func(t *testing.T) {
		shown := 0
		s := membership.New(aws, membership.Options{Record: record, Applied: func(string, []lsapi.Instance, []lsapi.Instance) { shown++ }})
		wantCode(t, change(s, lsapi.Attach, one), "")
		if err := s.CatchUp(t.Context(), "web"); err != nil {
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
	replicas(t, aws, record, 0, func(t *testing.T, a, b *membership.Service) {
		wantCode(t, change(b, lsapi.Attach, one), "")
		if err := a.CatchUp(t.Context(), "web"); err != nil {
			t.Fatal(err)
		}
		if got := listed(t, aws, a); !slices.Equal(got, []string{one}) {
			t.Errorf("the list is %v", got)
		}
		record.fails(isAway)
		wantCode(t, lsapi.ErrorCode(a.CatchUp(t.Context(), "web")), lsapi.CodeUnavailable)
		record.fails(nil)
	})
}

func TestCatchUpWithNothingStartsNoLane(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	recorded(t, aws, record, func(t *testing.T, s *membership.Service) {
		if err := s.CatchUp(t.Context(), "web"); err != nil {
			t.Fatal(err)
		}
		if n := s.Stats().Lanes; n > 0 {
			t.Errorf("there are %d lanes", n)
		}
	})
}

func TestClosedServiceLearnsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shown := 0
		s := membership.New(newFakeAWS(), membership.Options{Applied: func(string, []lsapi.Instance, []lsapi.Instance) { shown++ }})
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Learn("web", []lsapi.AppliedChange{elsewhere(lsapi.Attach, one, 1)}); err != nil || shown > 0 {
			t.Errorf("the change was passed on %d times: %v", shown, err)
		}
	})
}

func TestServiceDoesNotStartWithoutWhatWasApplied(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	synctest.Test(t, func(t *testing.T) {
		record.add(lsapi.Event{Kind: lsapi.EventCompleted, At: time.Now(), Change: elsewhere(lsapi.Attach, one, 1).Change})
		reads := 0
		record.fails(func(op string, _ []lsapi.Event) error {
			if reads++; reads == 2 { // the first names the load balancer
				return isAway(op, nil)
			}
			return nil
		})
		s := membership.New(aws, membership.Options{Record: record})
		wantCode(t, lsapi.ErrorCode(s.Start(t.Context())), lsapi.CodeUnavailable)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
