package membership_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"lsapi"
	"lsapi/internal/membership"
)

func TestOverrideIsOnRecordFromTheIntentOn(t *testing.T) {
	var log bytes.Buffer
	counted := &guardMetrics{}
	members := from(1, 1)
	synctest.Test(t, func(t *testing.T) {
		aws, record := newFakeAWS(members...), newFakeRecord()
		aws.run(members...)
		s := newService(aws, membership.Options{Record: record, Guards: rules{keepLast}, Metrics: counted, Log: slog.New(slog.NewTextHandler(&log, nil))})
		result, err := with(s, lsapi.Detach, members[0], lsapi.Terms{Override: "the pool is retired"})
		wantCode(t, lsapi.ErrorCode(err), "")
		want := lsapi.GuardVerdict{Rule: "keepLast", Overridden: true, Reason: "the pool is retired"}
		wantGuard(t, result.Guard, want)
		for _, e := range record.recorded()[1:] {
			wantGuard(t, e.Change.Guard, want)
		}
		if got, want := record.lines(), []string{"intended detach i-00000001", "completed detach i-00000001 applied"}; !slices.Equal(got, want) {
			t.Errorf("the record has %v", got)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if !strings.Contains(log.String(), `level=WARN msg=change outcome=applied`) || !strings.Contains(log.String(), `guard=keepLast override="the pool is retired"`) {
		t.Errorf("the log has %s", log.String())
	}
	if want := []string{"keepLast overridden"}; !slices.Equal(counted.verdicts, want) {
		t.Errorf("counted %v, want %v", counted.verdicts, want)
	}
}

func TestOverrideThatOverridesNothingIsNotOnRecord(t *testing.T) {
	members := from(1, 2)
	guarded(t, members, rules{keepLast}, func(t *testing.T, _ *fakeAWS, record *fakeRecord, s *service) {
		result, err := with(s, lsapi.Detach, members[0], lsapi.Terms{Override: "in case"})
		wantCode(t, lsapi.ErrorCode(err), "")
		if last := lastOf(record.recorded()); result.Guard != nil || last.Change.Guard != nil {
			t.Errorf("the verdicts are %v, %v", result.Guard, last.Change.Guard)
		}
	})
}

func TestRequestsForOneMemberDifferInOverride(t *testing.T) {
	members := from(1, 1)
	guarded(t, members, rules{keepLast}, func(t *testing.T, aws *fakeAWS, record *fakeRecord, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, two) }) // keeps the lane busy
		synctest.Wait()
		for i, want := range []lsapi.Code{lsapi.CodeKeepLast, "", lsapi.CodeConflict, lsapi.CodeConflict} {
			terms := lsapi.Terms{Override: []string{"", "it is retired", "me too", ""}[i]}
			callers.Go(func() {
				_, err := with(s, lsapi.Detach, members[0], terms)
				wantCode(t, lsapi.ErrorCode(err), want)
			})
			synctest.Wait()
		}
		callers.Wait()
		wantMembers(t, aws)
		for _, e := range record.recorded() {
			if e.Change.Outcome == lsapi.OutcomeConflict && e.Change.Guard != nil {
				t.Errorf("a conflict has the verdict %+v", e.Change.Guard)
			}
		}
	})
}

func TestOverriddenDetachCountsForTheNextOnes(t *testing.T) {
	members := from(1, 3)
	guarded(t, members, rules{minInService(2)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, members[0]) })
		synctest.Wait()
		for i, want := range []lsapi.Code{"", "", lsapi.CodeMinInService} {
			callers.Go(func() {
				_, err := with(s, lsapi.Detach, members[i], lsapi.Terms{Override: []string{"", "hurry", ""}[i]})
				wantCode(t, lsapi.ErrorCode(err), want)
			})
			synctest.Wait()
		}
		callers.Wait()
		wantMembers(t, aws, members[2])
	})
}

func TestOwnRuleOfARequestHoldsWhateverItOverrides(t *testing.T) {
	members := from(1, 3)
	guarded(t, members, rules{keepLast}, func(t *testing.T, _ *fakeAWS, record *fakeRecord, s *service) {
		_, err := with(s, lsapi.Detach, members[0], lsapi.Terms{MinInService: 3, Override: "hurry"})
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeMinInService)
		if !strings.Contains(err.Error(), "3 of 3 in service, minInService 3 (request)") {
			t.Errorf("the error is %v", err)
		}
		wantGuard(t, lastOf(record.recorded()).Change.Guard, lsapi.GuardVerdict{Rule: "minInService 3"})
		_, err = with(s, lsapi.Detach, members[0], lsapi.Terms{MinInService: 2})
		wantCode(t, lsapi.ErrorCode(err), "")
		_, err = with(s, lsapi.Attach, members[0], lsapi.Terms{MinInService: 3})
		wantCode(t, lsapi.ErrorCode(err), "")
	})
	guarded(t, members, nil, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		_, err := with(s, lsapi.Detach, members[0], lsapi.Terms{MinInService: 3})
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeMinInService)
		aws.next("Health", fails(lsapi.CodeUpstream))
		_, err = with(s, lsapi.Detach, members[0], lsapi.Terms{MinInService: 3, Override: "hurry"})
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeHealthUnknown)
	})
}

func TestUnreadableHealthRefusesOwnRulesOnlyWherePoolsHaveNone(t *testing.T) {
	guarded(t, from(1, 3), nil, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		aws.next("Health", fails(lsapi.CodeUpstream))
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, numbered(1)) }) // keeps the lane busy
		synctest.Wait()
		callers.Go(func() {
			_, err := with(s, lsapi.Detach, numbered(1), lsapi.Terms{MinInService: 1})
			wantCode(t, lsapi.ErrorCode(err), lsapi.CodeHealthUnknown)
		})
		callers.Go(func() { wantCode(t, change(s, lsapi.Detach, numbered(2)), "") })
		callers.Wait()
	})
}
