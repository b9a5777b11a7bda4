package membership_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/guard"
	"lsapi/internal/membership"
)

// rules are the rules of every pool.
type rules []guard.Rule

func (r rules) Rules(context.Context, lsapi.PoolID) ([]guard.Rule, error) { return r, nil }

// untagged are the rules of pools whose tags cannot be read.
type untagged rules

func (r untagged) Rules(context.Context, lsapi.PoolID) ([]guard.Rule, error) {
	return r, &lsapi.Error{Code: lsapi.CodeUpstream, RetryAfter: 7 * time.Second}
}

func minInService(n int) guard.Rule {
	return guard.Rule{Kind: guard.MinInService, Amount: guard.Amount{Count: n}, Source: "policy.yaml:4"}
}

func maxOut(percent int) guard.Rule {
	return guard.Rule{Kind: guard.MaxOut, Amount: guard.Amount{Rate: percent, Percent: true}, Source: "policy.yaml:5"}
}

var (
	keepLast = guard.Rule{Kind: guard.KeepLast, Source: "policy.yaml:1"}
	perZone  = guard.Rule{Kind: guard.MinInServicePerZone, Amount: guard.Amount{Count: 1}, Source: "policy.yaml:6"}
)

// guarded runs a test with rules over a pool with members, all in service.
func guarded(t *testing.T, members []lsapi.MemberID, guards membership.Guards, test func(t *testing.T, aws *fakeAWS, record *fakeRecord, s *service)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		aws, record := newFakeAWS(members...), newFakeRecord()
		aws.run(members...)
		for _, id := range members {
			instance := aws.facts[id]
			instance.Zone = "us-east-1a"
			aws.facts[id] = instance
		}
		s := newService(aws, membership.Options{Record: record, Guards: guards})
		test(t, aws, record, s)
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

// with makes a change under terms.
func with(s *service, action lsapi.Action, member lsapi.MemberID, terms lsapi.Terms) (lsapi.Result, error) {
	r := request(action, member)
	r.Terms = terms
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return s.Change(ctx, r)
}

func wantGuard(t *testing.T, got *lsapi.GuardVerdict, want lsapi.GuardVerdict) {
	t.Helper()
	if got == nil || *got != want {
		t.Errorf("the verdict is %+v, want %+v", got, want)
	}
}

func TestGuardRefusesInArrivalOrder(t *testing.T) {
	members := from(1, 4)
	for refused, rule := range map[lsapi.Code]guard.Rule{lsapi.CodeMinInService: minInService(2), lsapi.CodeMaxOut: maxOut(50)} {
		guarded(t, members, rules{rule}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
			var callers sync.WaitGroup
			callers.Go(func() { wantCode(t, change(s, lsapi.Attach, members[0]), lsapi.CodeConflict) }) // keeps the lane busy
			synctest.Wait()
			for i, want := range []lsapi.Code{"", "", refused, refused} {
				callers.Go(func() { wantCode(t, change(s, lsapi.Detach, members[3-i]), want) })
				synctest.Wait() // it is in the queue
			}
			callers.Wait()
			wantMembers(t, aws, members[0], members[1])
			if n := aws.count("Deregister"); n != 1 {
				t.Errorf("%d calls deregister", n)
			}
		})
	}
}

func TestGuardedDetachesOfALaggingPoolAreReserved(t *testing.T) {
	for _, isGroup := range []bool{false, true} {
		members := from(1, 4)
		guarded(t, members, rules{minInService(2)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
			aws.lag, aws.isGroup = 9*time.Second, isGroup
			time.Sleep(time.Minute)
			for i, want := range []lsapi.Code{"", "", lsapi.CodeMinInService, lsapi.CodeMinInService} {
				wantCode(t, change(s, lsapi.Detach, members[i]), want)
			}
			wantMembers(t, aws, members[2], members[3])
		})
	}
}

func TestRefusalByGuardIsOnRecordWithItsRule(t *testing.T) {
	var log bytes.Buffer
	counted := &guardMetrics{}
	members := from(1, 2)
	synctest.Test(t, func(t *testing.T) {
		aws, record := newFakeAWS(members...), newFakeRecord()
		aws.run(members...)
		s := newService(aws, membership.Options{Record: record, Guards: rules{minInService(2)}, Metrics: counted, Log: slog.New(slog.NewTextHandler(&log, nil))})
		result, err := with(s, lsapi.Detach, members[0], lsapi.Terms{})
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeMinInService)
		wantGuard(t, result.Guard, lsapi.GuardVerdict{Rule: "minInService 2"})
		refusal, ok := errors.AsType[*lsapi.GuardRefusal](err)
		if !ok || refusal.Text != "2 of 2 in service, minInService 2" || len(refusal.Members) != 2 || !result.Recorded {
			t.Errorf("the refusal is %+v, result %+v", refusal, result)
		}
		last := lastOf(record.recorded())
		if last.Kind != lsapi.EventCompleted || last.Change.Outcome != lsapi.OutcomeRefused || last.Change.Code != string(lsapi.CodeMinInService) {
			t.Errorf("the record has %+v", last)
		}
		wantGuard(t, last.Change.Guard, lsapi.GuardVerdict{Rule: "minInService 2"})
		if n := aws.count("Deregister"); n > 0 {
			t.Errorf("AWS got %d calls", n)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if !strings.Contains(log.String(), `level=INFO msg=change outcome=refused action=detach`) || !strings.Contains(log.String(), `guard="minInService 2"`) {
		t.Errorf("the log has %s", log.String())
	}
	if want := []string{"minInService refused"}; !slices.Equal(counted.verdicts, want) {
		t.Errorf("counted %v, want %v", counted.verdicts, want)
	}
}

// guardMetrics has the verdicts of guards.
type guardMetrics struct{ verdicts []string }

func (*guardMetrics) Batch(string, int)     {}
func (*guardMetrics) Change(string, string) {}
func (m *guardMetrics) Guard(kind string, overridden bool) {
	m.verdicts = append(m.verdicts, kind+map[bool]string{true: " overridden", false: " refused"}[overridden])
}

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

func TestMemberThatIsNotInServiceMayAlwaysBeDetached(t *testing.T) {
	members := from(1, 2)
	guarded(t, members, rules{minInService(2)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		aws.change(func() { aws.sick[members[0]] = true })
		wantCode(t, change(s, lsapi.Detach, members[1]), lsapi.CodeMinInService)
		wantCode(t, change(s, lsapi.Detach, members[0]), "")
	})
}

func TestUnreadableHealthRefusesDetachesOnly(t *testing.T) {
	members := from(1, 2)
	guarded(t, members, rules{keepLast}, func(t *testing.T, aws *fakeAWS, record *fakeRecord, s *service) {
		aws.run(three)
		aws.next("Health", slices.Repeat([]hook{fails(lsapi.CodeUpstream)}, 3)...)
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, members[0]) })
		synctest.Wait()
		callers.Go(func() { wantCode(t, change(s, lsapi.Detach, members[1]), lsapi.CodeHealthUnknown) })
		callers.Go(func() {
			_, err := with(s, lsapi.Attach, three, lsapi.Terms{MinInService: 9})
			wantCode(t, lsapi.ErrorCode(err), "")
		})
		callers.Wait()
		wantMembers(t, aws, members[0], members[1], three)
		if got, want := record.lines()[1:], []string{"intended attach i-00000003", "completed attach i-00000003 applied"}; !slices.Equal(got, want) {
			t.Errorf("the record has %v", got)
		}
		_, err := with(s, lsapi.Detach, members[1], lsapi.Terms{Override: "it burns"})
		wantCode(t, lsapi.ErrorCode(err), "")
		wantGuard(t, lastOf(record.recorded()).Change.Guard, lsapi.GuardVerdict{Rule: "healthUnknown", Overridden: true, Reason: "it burns"})
	})
}

func TestHangingReadOfHealthEndsWithTheTimeOfTheRound(t *testing.T) {
	guarded(t, from(1, 2), rules{keepLast}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		aws.next("Health", hangs)
		began := time.Now()
		wantCode(t, change(s, lsapi.Detach, numbered(1)), lsapi.CodeHealthUnknown)
		if took := time.Since(began); took > membership.DefaultCallTimeout+time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestUnreadableTagsRefuseDetachesOnly(t *testing.T) {
	members := from(1, 3)
	guarded(t, members[:2], untagged{keepLast}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		aws.run(members...)
		_, err := with(s, lsapi.Detach, members[0], lsapi.Terms{})
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeTagsUnknown)
		if wait := lsapi.AsError(err).RetryAfter; wait != 7*time.Second {
			t.Errorf("it advises %v", wait)
		}
		if n := aws.count("Health"); n > 0 {
			t.Errorf("the health, which decides nothing, was read %d times", n)
		}
		wantCode(t, change(s, lsapi.Attach, members[2]), "")
		result, err := with(s, lsapi.Detach, members[0], lsapi.Terms{Override: "it burns", MinInService: 2})
		wantCode(t, lsapi.ErrorCode(err), "")
		wantGuard(t, result.Guard, lsapi.GuardVerdict{Rule: "tagsUnknown", Overridden: true, Reason: "it burns"})
		_, err = with(s, lsapi.Detach, members[1], lsapi.Terms{Override: "it burns", MinInService: 2})
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeMinInService)
	})
	freeze := guard.Rule{Kind: guard.Freeze, Source: "policy.yaml:2"}
	guarded(t, nil, untagged{freeze}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		aws.run(one)
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeFreeze)
	})
}

func TestFreezeRefusesEveryChangeAndNeedsNoHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aws := newFakeAWS(one)
		aws.run(one, two)
		s := newService(aws, membership.Options{Guards: rules{{Kind: guard.Freeze, Until: time.Now().Add(time.Hour), Source: "tag lsapi:freeze"}}})
		wantCode(t, change(s, lsapi.Detach, one), lsapi.CodeFreeze)
		wantCode(t, change(s, lsapi.Attach, two), lsapi.CodeFreeze)
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeConflict)
		_, err := with(s, lsapi.Attach, two, lsapi.Terms{Override: "hotfix"})
		wantCode(t, lsapi.ErrorCode(err), "")
		time.Sleep(time.Hour)
		wantCode(t, change(s, lsapi.Detach, one), "")
		if n := aws.count("Health"); n > 0 {
			t.Errorf("the health was read %d times", n)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestGuardOfEachZoneKnowsThoseOfAPoolWithoutRecord(t *testing.T) {
	guarded(t, from(1, 2), rules{perZone}, func(t *testing.T, _ *fakeAWS, _ *fakeRecord, s *service) {
		wantCode(t, change(s, lsapi.Detach, numbered(1)), "")
		wantCode(t, change(s, lsapi.Detach, numbered(2)), lsapi.CodeMinPerZone)
	})
}

func TestGuardOfEachZone(t *testing.T) {
	members := from(1, 3)
	guarded(t, members, rules{perZone}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		for i, zone := range []string{"us-east-1a", "us-east-1a", "us-east-1b"} {
			aws.change(func() {
				instance := aws.facts[members[i]]
				instance.Zone = zone
				aws.facts[members[i]] = instance
			})
		}
		wantCode(t, change(s, lsapi.Detach, members[2]), lsapi.CodeMinPerZone)
		wantCode(t, change(s, lsapi.Detach, members[0]), "")
		calls := aws.count("Instances")
		wantCode(t, change(s, lsapi.Detach, members[1]), lsapi.CodeMinPerZone)
		if n := aws.count("Instances") - calls; n != 1 {
			t.Errorf("a later round made %d lookups", n)
		}
	})
}

func TestMaxOutCountsFormerMembersThatEC2StillHas(t *testing.T) {
	members := from(1, 4)
	guarded(t, members, rules{maxOut(25)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		wantCode(t, change(s, lsapi.Detach, members[0]), "")
		time.Sleep(time.Hour) // AWS and its reads have forgotten it
		_, err := with(s, lsapi.Detach, members[1], lsapi.Terms{})
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeMaxOut)
		if !strings.Contains(err.Error(), "1 of 4 out, maxOut 25% (1)") {
			t.Errorf("the error is %v", err)
		}
		calls := aws.count("Instances")
		wantCode(t, change(s, lsapi.Detach, members[1]), lsapi.CodeMaxOut)
		if n := aws.count("Instances") - calls; n != 1 {
			t.Errorf("a later round made %d lookups", n)
		}
		aws.change(func() {
			aws.facts[members[0]] = lsapi.Instance{ID: members[0].Instance, State: lsapi.StateTerminated}
		})
		aws.run(numbered(5))
		_, err = with(s, lsapi.Detach, members[1], lsapi.Terms{}) // 25% of 3 is none
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeMaxOut)
		if !strings.Contains(err.Error(), "0 of 3 out, maxOut 25% (0)") {
			t.Errorf("the error is %v", err)
		}
		wantCode(t, change(s, lsapi.Attach, numbered(5)), "")
		wantCode(t, change(s, lsapi.Detach, members[1]), "")
	})
}

func TestFormerMembersCountForADay(t *testing.T) {
	members := from(1, 4)
	guarded(t, members, rules{maxOut(25)}, func(t *testing.T, _ *fakeAWS, record *fakeRecord, s *service) {
		wantCode(t, change(s, lsapi.Detach, members[0]), "")
		time.Sleep(23 * time.Hour)
		wantCode(t, change(s, lsapi.Detach, members[1]), lsapi.CodeMaxOut)
		time.Sleep(2 * time.Hour)
		_, err := with(s, lsapi.Detach, members[1], lsapi.Terms{})
		if err == nil || !strings.Contains(err.Error(), "0 of 3 out") {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestMemberThatIsBackIsNoFormerOne(t *testing.T) {
	members := from(1, 4)
	for name, back := range map[string]func(aws *fakeAWS, s *service){
		"by lsapi":        func(_ *fakeAWS, s *service) { change(s, lsapi.Attach, members[0]) },
		"by another tool": func(aws *fakeAWS, _ *service) { outside(aws, members...) },
	} {
		t.Run(name, func(t *testing.T) {
			guarded(t, members, rules{maxOut(25)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
				wantCode(t, change(s, lsapi.Detach, members[0]), "")
				time.Sleep(time.Minute)
				back(aws, s)
				time.Sleep(time.Minute)
				wantCode(t, change(s, lsapi.Detach, members[1]), "")
			})
		})
	}
}

func TestFormerMembersOfAReplacedPoolDoNotCount(t *testing.T) {
	members := from(1, 4)
	guarded(t, members, rules{maxOut(25)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		aws.change(func() { aws.created = "the first" })
		wantCode(t, change(s, lsapi.Detach, members[0]), "")
		wantCode(t, change(s, lsapi.Detach, members[1]), lsapi.CodeMaxOut)
		time.Sleep(time.Minute)
		aws.change(func() { aws.created = "the second" })
		outside(aws, members[1:]...)
		aws.run(numbered(5))
		wantCode(t, change(s, lsapi.Attach, numbered(5)), "")
		time.Sleep(time.Minute)
		wantCode(t, change(s, lsapi.Detach, members[1]), "")
	})
}

func TestFormerMembersDoNotCountInTheRoundThatFindsThePoolReplaced(t *testing.T) {
	guarded(t, from(1, 5), rules{maxOut(25)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		aws.change(func() { aws.created = "the first" })
		wantCode(t, change(s, lsapi.Detach, numbered(1)), "")
		time.Sleep(time.Minute)
		aws.change(func() { aws.created = "the second" })
		outside(aws, from(2, 5)...)
		wantCode(t, change(s, lsapi.Detach, numbered(2)), "")
	})
}

func TestMemberThatAnotherToolDetachedLastIsNoFormerOne(t *testing.T) {
	guarded(t, from(1, 5), rules{maxOut(25)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		wantCode(t, change(s, lsapi.Detach, numbered(1)), "")
		time.Sleep(12 * time.Second) // the lane is the same, and reads prove the detach
		outside(aws, from(1, 5)...)
		wantCode(t, change(s, lsapi.Attach, numbered(1)), lsapi.CodeConflict)
		outside(aws, from(2, 5)...)
		wantCode(t, change(s, lsapi.Detach, numbered(1)), lsapi.CodeConflict)
		wantCode(t, change(s, lsapi.Detach, numbered(2)), "")
	})
}

func TestMemberThatCameBackThroughLsapiIsNoFormerOne(t *testing.T) {
	guarded(t, from(1, 5), rules{maxOut(25)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		wantCode(t, change(s, lsapi.Detach, numbered(1)), "")
		time.Sleep(12 * time.Second)
		wantCode(t, change(s, lsapi.Attach, numbered(1)), "")
		time.Sleep(12 * time.Second)
		outside(aws, from(2, 5)...)
		wantCode(t, change(s, lsapi.Detach, numbered(1)), lsapi.CodeConflict)
		wantCode(t, change(s, lsapi.Detach, numbered(2)), "")
	})
}

func TestReplicaCountsTheMemberThatAnotherOneAttachedAgainAsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		members := from(1, 3)
		aws, record := newFakeAWS(members...), newFakeRecord()
		aws.run(members...)
		aws.lag, aws.warmUp = 8*time.Second, time.Hour
		time.Sleep(2 * time.Hour)
		a := newService(aws, membership.Options{Record: record, Guards: rules{minInService(2)}})
		b := newService(aws, membership.Options{Record: record.replica(0), Guards: rules{minInService(2)}})
		wantCode(t, change(a, lsapi.Detach, members[0]), "")
		wantCode(t, change(a, lsapi.Attach, members[0]), "")
		wantCode(t, change(b, lsapi.Detach, members[1]), lsapi.CodeMinInService)
		for _, s := range []*service{a, b} {
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestMemberAttachedAgainWithinTheLagCountsAsOut(t *testing.T) {
	for _, isGroup := range []bool{false, true} {
		members := from(1, 3)
		guarded(t, members, rules{minInService(2)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
			aws.lag, aws.warmUp, aws.isGroup = 8*time.Second, time.Hour, isGroup
			time.Sleep(2 * time.Hour)
			wantCode(t, change(s, lsapi.Detach, members[0]), "")
			wantCode(t, change(s, lsapi.Attach, members[0]), "")
			// Reads show it as it was before.
			wantCode(t, change(s, lsapi.Detach, members[1]), lsapi.CodeMinInService)
			time.Sleep(time.Minute) // they show that it does not pass its checks yet
			wantCode(t, change(s, lsapi.Detach, members[1]), lsapi.CodeMinInService)
			time.Sleep(2 * time.Hour)
			wantCode(t, change(s, lsapi.Detach, members[1]), "")
		})
	}
}

func TestMemberThatAnotherToolDetachedWithinTheLagCountsAsOut(t *testing.T) {
	members := from(1, 3)
	guarded(t, members, rules{minInService(2)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		aws.healthLag, aws.warmUp = 8*time.Second, time.Hour
		time.Sleep(2 * time.Hour)
		wantCode(t, change(s, lsapi.Attach, members[0]), lsapi.CodeConflict)
		outside(aws, members[1:]...)
		wantCode(t, change(s, lsapi.Attach, members[0]), "")
		wantCode(t, change(s, lsapi.Detach, members[1]), lsapi.CodeMinInService)
	})
}

// hangingGuards have tags that cannot be read in any time.
type hangingGuards struct{}

func (hangingGuards) Rules(ctx context.Context, _ lsapi.PoolID) ([]guard.Rule, error) {
	<-ctx.Done()
	return nil, &lsapi.Error{Code: lsapi.CodeTagsUnknown, Err: ctx.Err()}
}

func TestHangingTagsHoldNoAttachUp(t *testing.T) {
	guarded(t, from(1, 2), hangingGuards{}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		aws.run(three)
		began := time.Now()
		var callers sync.WaitGroup
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, three), "") })
		callers.Go(func() { wantCode(t, change(s, lsapi.Detach, two), lsapi.CodeTagsUnknown) })
		callers.Wait()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("they took %v", took)
		}
	})
}

func TestAmbiguousDetachCountsAsOut(t *testing.T) {
	members := from(1, 3)
	guarded(t, members, rules{minInService(2)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		aws.next("Deregister", late(5*time.Second))
		var callers sync.WaitGroup
		callers.Go(func() { wantCode(t, change(s, lsapi.Detach, members[0]), "") })
		time.Sleep(time.Second)
		wantCode(t, change(s, lsapi.Detach, members[1]), lsapi.CodeMinInService)
		callers.Wait()
		wantMembers(t, aws, members[1], members[2])
	})
}

func TestGuardCountsTheOpenDetachOfACrashedReplica(t *testing.T) {
	members := from(1, 3)
	synctest.Test(t, func(t *testing.T) {
		aws, record := newFakeAWS(members...), newFakeRecord()
		aws.run(members...)
		aws.next("Deregister", late(8*time.Second))
		a := newService(aws, membership.Options{Record: record, Guards: rules{minInService(2)}})
		b := newService(aws, membership.Options{Record: record.replica(0), Guards: rules{minInService(2)}})
		go change(a, lsapi.Detach, members[0])
		time.Sleep(500 * time.Millisecond) // its intent is on record
		crashed, cancel := context.WithCancel(t.Context())
		cancel()
		_ = a.Close(crashed)
		wantCode(t, change(b, lsapi.Detach, members[1]), lsapi.CodeMinInService)
		time.Sleep(time.Minute)
		wantMembers(t, aws, members[1], members[2])
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestReplicasGuardOnePool(t *testing.T) {
	members := from(1, 9)
	synctest.Test(t, func(t *testing.T) {
		aws, record := newFakeAWS(members...), newFakeRecord()
		aws.run(members...)
		aws.lag = 9 * time.Second
		time.Sleep(time.Minute)
		a := newService(aws, membership.Options{Record: record, Guards: rules{minInService(4)}})
		b := newService(aws, membership.Options{Record: record.replica(0), Guards: rules{minInService(4)}})
		var callers sync.WaitGroup
		for i, id := range members {
			callers.Go(func() { change([]*service{a, b}[i%2], lsapi.Detach, id) })
		}
		callers.Wait()
		if n := len(aws.members()); n != 4 {
			t.Errorf("%d members are left", n)
		}
		for _, s := range []*service{a, b} {
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestGuardsCostNoCallForGroupsAndOneForClassic(t *testing.T) {
	for name, test := range map[string]struct {
		guards  membership.Guards
		isGroup bool
		action  lsapi.Action
		health  int
	}{
		"Classic, a rule":          {rules{keepLast}, false, lsapi.Detach, 1},
		"Classic, no rule":         {rules{}, false, lsapi.Detach, 0},
		"Classic, no detach":       {rules{keepLast}, false, lsapi.Attach, 0},
		"a group":                  {rules{keepLast, maxOut(50), minInService(2)}, true, lsapi.Detach, 0},
		"Classic, several rules":   {rules{keepLast, maxOut(50), minInService(2)}, false, lsapi.Detach, 1},
		"Classic, nothing to send": {rules{keepLast}, false, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			members := from(1, 20)
			guarded(t, members[:10], test.guards, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
				aws.run(members...)
				aws.isGroup = test.isGroup
				switch test.action {
				case lsapi.Detach:
					wantCode(t, change(s, lsapi.Detach, members[0]), "")
				case lsapi.Attach:
					wantCode(t, change(s, lsapi.Attach, members[10]), "")
				default:
					wantCode(t, change(s, lsapi.Detach, members[10]), lsapi.CodeConflict)
				}
				for op, want := range map[string]int{"Health": test.health, "Members": 1, "Instances": 1} {
					if n := aws.count(op); n != want {
						t.Errorf("%d calls of %s, want %d", n, op, want)
					}
				}
			})
		})
	}
}

// outside makes ids the members, as another tool does.
func outside(aws *fakeAWS, ids ...lsapi.MemberID) {
	aws.change(func() { aws.versions = append(aws.versions, version{time.Now(), ids}) })
}

func TestDrainingMembersOfAnotherToolCountAsOut(t *testing.T) {
	guarded(t, from(1, 4), rules{maxOut(25)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		aws.isGroup, aws.drains = true, time.Minute
		time.Sleep(time.Hour)
		outside(aws, from(2, 4)...)
		time.Sleep(time.Second)
		_, err := with(s, lsapi.Detach, numbered(2), lsapi.Terms{})
		if err == nil || !strings.Contains(err.Error(), "1 of 4 out, maxOut 25% (1)") {
			t.Errorf("the error is %v", err)
		}
		refusal, _ := errors.AsType[*lsapi.GuardRefusal](err)
		if refusal == nil || refusal.Members[0].Standing != lsapi.StandingDraining {
			t.Errorf("the refusal is %+v", refusal)
		}
	})
}

func TestMemberThatIsDetachedBeforeItsHealthIsReadIsDraining(t *testing.T) {
	guarded(t, from(1, 3), rules{minInService(2)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		aws.drains = time.Minute
		time.Sleep(time.Hour)
		aws.next("Health", func(_ context.Context, apply func() error) error {
			outside(aws, from(1, 2)...)
			return apply()
		})
		_, err := with(s, lsapi.Detach, numbered(1), lsapi.Terms{})
		refusal, _ := errors.AsType[*lsapi.GuardRefusal](err)
		if refusal == nil || refusal.Members[2].Standing != lsapi.StandingDraining {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestMemberThatIsAttachedWhileItDrainsHasAnUnknownStanding(t *testing.T) {
	guarded(t, from(1, 3), rules{minInService(2)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		aws.isGroup, aws.drains = true, time.Hour
		time.Sleep(2 * time.Hour)
		outside(aws, from(2, 3)...)
		time.Sleep(time.Minute)
		aws.lag = 5 * time.Second
		wantCode(t, change(s, lsapi.Attach, numbered(1)), "")
		_, err := with(s, lsapi.Detach, numbered(2), lsapi.Terms{})
		refusal, _ := errors.AsType[*lsapi.GuardRefusal](err)
		if refusal == nil || refusal.Members[0].Standing != lsapi.StandingUnknown {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestTerminatedMemberIsOut(t *testing.T) {
	for _, isGroup := range []bool{false, true} {
		guarded(t, from(1, 2), rules{minInService(2)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
			aws.change(func() {
				aws.isGroup = isGroup
				aws.facts[numbered(1)] = lsapi.Instance{ID: numbered(1).Instance, State: lsapi.StateTerminated}
			})
			wantCode(t, change(s, lsapi.Detach, numbered(2)), lsapi.CodeMinInService)
			wantCode(t, change(s, lsapi.Detach, numbered(1)), "")
		})
	}
}

func TestFormerMembersThatEC2HasForgottenDoNotCount(t *testing.T) {
	guarded(t, from(1, 5), rules{maxOut(25)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		wantCode(t, change(s, lsapi.Detach, numbered(1)), "")
		wantCode(t, change(s, lsapi.Detach, numbered(2)), lsapi.CodeMaxOut)
		aws.change(func() { delete(aws.facts, numbered(1)) })
		wantCode(t, change(s, lsapi.Detach, numbered(2)), "")
	})
}

func TestManyFormerMembersAreLookedUpOnlyIfTheirNumberDecides(t *testing.T) {
	guarded(t, from(1, 420), rules{maxOut(50)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		var detached []int
		for n := range 205 {
			detached = append(detached, -1-n)
		}
		wantDecided(t, s, bulk(detached...))
		calls := aws.count("Instances")
		wantCode(t, change(s, lsapi.Detach, numbered(206)), "")
		if n := aws.count("Instances") - calls; n != 1 {
			t.Errorf("an allowed detach made %d lookups", n)
		}
		wantDecided(t, s, bulk(-207, -208, -209, -210))
		aws.change(func() {
			for n := range 100 {
				delete(aws.facts, numbered(1+n))
			}
		})
		calls = aws.count("Instances")
		wantResults(t, wantDecided(t, s, bulk(-211, -212)), "-211 applied", "-212 applied") // 112 of 320 are out
		if n := aws.count("Instances") - calls; n != 2 {
			t.Errorf("a detach whose verdict depends on them made %d lookups", n)
		}
	})
}

func TestBulkIsGuardedInItsOrder(t *testing.T) {
	guarded(t, from(1, 5), rules{minInService(3)}, func(t *testing.T, aws *fakeAWS, record *fakeRecord, s *service) {
		got := wantDecided(t, s, bulk(-4, -2, -5, -9))
		wantResults(t, got, "-4 applied", "-2 applied", "-5 refused guard.min_in_service", "-9 conflict")
		wantGuard(t, got.Results[2].Guard, lsapi.GuardVerdict{Rule: "minInService 3"})
		wantMembers(t, aws, numbered(1), numbered(3), numbered(5))
		if n := aws.count("Health"); n != 1 {
			t.Errorf("the health was read %d times", n)
		}
		overriding := bulk(-1, -3)
		overriding.Override = "hurry"
		for _, r := range wantDecided(t, s, overriding).Results {
			wantGuard(t, r.Guard, lsapi.GuardVerdict{Rule: "minInService 3", Overridden: true, Reason: "hurry"})
		}
		wantMembers(t, aws, numbered(5))
	})
}

func TestAtomicBulkThatAGuardRefusesReservesNothing(t *testing.T) {
	guarded(t, from(1, 3), rules{minInService(2)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, numbered(1)) }) // keeps the lane busy
		synctest.Wait()
		callers.Go(func() {
			atomic := bulk(-1, -2)
			atomic.Atomic = true
			wantResults(t, wantDecided(t, s, atomic), "-1  bulk.skipped", "-2 refused guard.min_in_service")
		})
		synctest.Wait()
		callers.Go(func() { wantCode(t, change(s, lsapi.Detach, numbered(3)), "") })
		callers.Wait()
		wantMembers(t, aws, numbered(1), numbered(2))
		if n := aws.count("Members"); n != 2 {
			t.Errorf("%d rounds", n)
		}
	})
}

func TestDryRunIsGuardedAndReservesNothing(t *testing.T) {
	guarded(t, from(1, 3), rules{minInService(2)}, func(t *testing.T, aws *fakeAWS, record *fakeRecord, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, numbered(1)) })
		synctest.Wait()
		callers.Go(func() {
			dry := bulk(-1, -2)
			dry.DryRun = true
			wantResults(t, wantDecided(t, s, dry), "-1 applied", "-2 refused guard.min_in_service")
		})
		synctest.Wait()
		callers.Go(func() { wantCode(t, change(s, lsapi.Detach, numbered(3)), "") })
		callers.Wait()
		wantMembers(t, aws, numbered(1), numbered(2))
		events := len(record.recorded())
		_, err := with(s, lsapi.Detach, numbered(1), lsapi.Terms{DryRun: true})
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeMinInService)
		result, err := with(s, lsapi.Detach, numbered(1), lsapi.Terms{DryRun: true, Override: "hurry"})
		wantCode(t, lsapi.ErrorCode(err), "")
		wantGuard(t, result.Guard, lsapi.GuardVerdict{Rule: "minInService 2", Overridden: true, Reason: "hurry"})
		if n := len(record.recorded()); n != events {
			t.Errorf("the record has %d more events", n-events)
		}
		wantMembers(t, aws, numbered(1), numbered(2))
	})
}

func TestDesiredSetIsGuarded(t *testing.T) {
	guarded(t, from(1, 4), rules{minInService(3)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		aws.run(numbered(5))
		set := bulk()
		set.Desired = &lsapi.DesiredMembers{Members: []lsapi.MemberID{numbered(5)}}
		wantResults(t, wantDecided(t, s, set), "+5 applied", "-1 applied", "-2 refused guard.min_in_service", "-3 refused guard.min_in_service", "-4 refused guard.min_in_service")
		wantMembers(t, aws, from(2, 5)...)
		calls := aws.count("Health")
		set = bulk()
		set.Desired = &lsapi.DesiredMembers{Members: from(2, 5)}
		wantDecided(t, s, set)
		if n := aws.count("Health") - calls; n > 0 {
			t.Errorf("a set that is as desired has read the health %d times", n)
		}
	})
}
