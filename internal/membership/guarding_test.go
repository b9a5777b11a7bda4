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

func TestMemberThatIsNotInServiceMayAlwaysBeDetached(t *testing.T) {
	members := from(1, 2)
	guarded(t, members, rules{minInService(2)}, func(t *testing.T, aws *fakeAWS, _ *fakeRecord, s *service) {
		aws.change(func() { aws.sick[members[0]] = true })
		wantCode(t, change(s, lsapi.Detach, members[1]), lsapi.CodeMinInService)
		wantCode(t, change(s, lsapi.Detach, members[0]), "")
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
