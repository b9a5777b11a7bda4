package membership_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/membership"
)

// busy occupies the lane until the bulk that comes next has waited for so long.
func busy(aws *fakeAWS, s *service, patience time.Duration, b lsapi.Bulk) (lsapi.BulkResult, error) {
	aws.next("Members", func(_ context.Context, apply func() error) error {
		time.Sleep(2 * patience)
		return apply()
	})
	var first sync.WaitGroup
	first.Go(func() { change(s, lsapi.Attach, numbered(999)) })
	defer first.Wait()
	time.Sleep(time.Millisecond)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return s.ChangeAll(ctx, b)
}

func TestBulkOfACallerThatLeavesIsWithdrawnAsAWhole(t *testing.T) {
	for name, test := range map[string]struct {
		bulk  lsapi.Bulk
		lines int
	}{"changes": {bulk(1, 2, -3), 3}, "a desired set": {desired(1, 2), 0}, "a dry run": {dryRun(bulk(1, 2)), 0}} {
		t.Run(name, func(t *testing.T) {
			aws, record := newFakeAWS(numbered(3)), newFakeRecord()
			aws.run(from(1, 3)...)
			recorded(t, aws, record, func(t *testing.T, s *service) {
				result, err := busy(aws, s, time.Second, test.bulk)
				if lsapi.ErrorCode(err) != lsapi.CodeTimeout || !strings.Contains(err.Error(), "nothing was changed") || result.Recorded || result.Pending || len(result.Results) > 0 {
					t.Errorf("got %+v, %v", result, err)
				}
				time.Sleep(time.Minute)
				lines := record.lines()
				if len(lines) != test.lines || slices.ContainsFunc(lines, func(line string) bool { return !strings.HasSuffix(line, "withdrawn") }) {
					t.Errorf("the record has %q", lines)
				}
				wantMembers(t, aws, numbered(3))
			})
		})
	}
}

func dryRun(b lsapi.Bulk) lsapi.Bulk {
	b.DryRun = true
	return b
}

func TestBulkOfACallerThatLeavesAfterItsDecisionGoesOn(t *testing.T) {
	aws, record := newFakeAWS(from(1, 2)...), newFakeRecord()
	aws.run(from(1, 3)...)
	aws.next("Register", func(_ context.Context, apply func() error) error {
		time.Sleep(5 * time.Second)
		return apply()
	})
	recorded(t, aws, record, func(t *testing.T, s *service) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		result, err := s.ChangeAll(ctx, bulk(3, -1, 2, 7))
		if err != nil || !result.Recorded || !result.Pending {
			t.Fatalf("got %+v, %v", result, err)
		}
		wantResults(t, result, "+3 unknown timeout", "-1 unknown timeout", "+2 conflict", "+7 refused invalid")
		time.Sleep(10 * time.Second)
		wantMembers(t, aws, from(2, 3)...)
		for _, r := range result.Results {
			if r.ChangeID == "" || !hasChange(record, r.ChangeID) {
				t.Errorf("%s has the change %q", r.Member, r.ChangeID)
			}
		}
	})
}

// pickyAWS refuses calls with culprits, for which EC2's description is no reason.
type pickyAWS struct {
	*fakeAWS
	culprits []lsapi.MemberID
}

func (a pickyAWS) Register(ctx context.Context, pool lsapi.PoolID, incarnation string, ids []lsapi.MemberID, permit lsapi.BeforeAttempt) (string, error) {
	id, err := a.fakeAWS.Register(ctx, pool, incarnation, nil, permit)
	a.change(func() { a.calls[len(a.calls)-1].ids = ids })
	for _, culprit := range a.culprits {
		if slices.Contains(ids, culprit) {
			return "", lsapi.Errorf(lsapi.CodeInvalid, "EC2 instance %s is not in the VPC.", culprit)
		}
	}
	if err != nil {
		return id, err
	}
	return a.fakeAWS.Register(ctx, pool, incarnation, ids, permit)
}

// all returns a bulk of attaches.
func all(members []lsapi.MemberID) lsapi.Bulk {
	b := bulk()
	for _, m := range members {
		b.Items = append(b.Items, lsapi.BulkItem{Action: lsapi.Attach, Member: m})
	}
	return b
}

func TestCulpritIsFoundInItsCallAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aws := pickyAWS{newFakeAWS(), []lsapi.MemberID{numbered(250), numbered(700)}}
		aws.run(from(1, 1000)...)
		s := newService(aws, membership.Options{})
		result := wantDecided(t, s, all(from(1, 1000)))
		refused := 0
		for i, r := range result.Results {
			if isCulprit := slices.Contains(aws.culprits, r.Member); r.Member != numbered(i+1) || isCulprit != (r.Outcome == lsapi.OutcomeRefused) || isCulprit != (r.Err != nil) || !isCulprit && r.Outcome != lsapi.OutcomeApplied {
				t.Errorf("%s is %s, %v", r.Member, r.Outcome, r.Err)
			}
			if r.Outcome == lsapi.OutcomeRefused {
				refused++
			}
		}
		if members := aws.members(); refused != 2 || len(members) != 998 {
			t.Errorf("%d are refused, %d members", refused, len(members))
		}
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func TestCallThatFailsTakesNoOtherWithIt(t *testing.T) {
	for name, test := range map[string]struct {
		goes hook
		want lsapi.Outcome
		code lsapi.Code
	}{
		"AWS fails":            {fails(lsapi.CodeUpstream), lsapi.OutcomeFailed, lsapi.CodeUpstream},
		"AWS throttles":        {fails(lsapi.CodeThrottled), lsapi.OutcomeFailed, lsapi.CodeThrottled},
		"the answer is lost":   {appliedButCutOff, lsapi.OutcomeApplied, ""},
		"the call is lost":     {lost, lsapi.OutcomeFailed, lsapi.CodeUpstream},
		"the members are gone": {fails(lsapi.CodeNotFound), lsapi.OutcomeRefused, lsapi.CodeNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			aws, record := newFakeAWS(), newFakeRecord()
			aws.run(from(1, 450)...)
			recorded(t, aws, record, func(t *testing.T, s *service) {
				aws.next("Register", test.goes)
				result := wantDecided(t, s, all(from(1, 450)))
				got := make(map[string]int)
				for _, r := range result.Results {
					got[fmt.Sprint(r.Outcome, " ", lsapi.ErrorCode(errOf(r)))]++
				}
				affected := got[fmt.Sprint(test.want, " ", test.code)]
				if test.want == lsapi.OutcomeApplied && affected != 450 || test.want != lsapi.OutcomeApplied && (affected != 200 && affected != 50 || got["applied "] != 450-affected) {
					t.Errorf("got %v", got)
				}
				if calls := aws.count("Register"); calls != 3 {
					t.Errorf("it took %d calls", calls)
				}
				time.Sleep(time.Minute)
				if len(record.log(web).state(0).Open) > 0 {
					t.Error("changes are open")
				}
			})
		})
	}
}

func errOf(r lsapi.MemberResult) error {
	if r.Err == nil {
		return nil
	}
	return r.Err
}

func TestBulkThatCannotBeRecordedIsNotSent(t *testing.T) {
	for name, test := range map[string]struct {
		append func(record *fakeRecord) func(string, []lsapi.Event) error
		code   lsapi.Code
		failed int // changes that end as failed
	}{
		"unavailable": {func(*fakeRecord) func(string, []lsapi.Event) error { return unavailable }, lsapi.CodeUnavailable, 0},
		"the lease is lost": {func(*fakeRecord) func(string, []lsapi.Event) error {
			return func(string, []lsapi.Event) error {
				return &lsapi.Error{Code: lsapi.CodeUnavailable, Err: lsapi.ErrLeaseLost}
			}
		}, lsapi.CodeUnavailable, 0},
		"the answer is lost": {func(record *fakeRecord) func(string, []lsapi.Event) error {
			return func(_ string, events []lsapi.Event) error {
				record.log(web).add(events...)
				return &lsapi.Error{Code: lsapi.CodeTimeout}
			}
		}, lsapi.CodeUnavailable, 2},
	} {
		t.Run(name, func(t *testing.T) {
			aws, record := newFakeAWS(numbered(1)), newFakeRecord()
			aws.run(from(1, 3)...)
			recorded(t, aws, record, func(t *testing.T, s *service) {
				wantCode(t, change(s, lsapi.Attach, numbered(1)), lsapi.CodeConflict)
				goes := test.append(record)
				record.fails(func(op string, events []lsapi.Event) error {
					if op != "Append" {
						return nil
					}
					record.away = nil // once
					return goes(op, events)
				})
				result, err := changeAll(s, bulk(1, 2, 3))
				wantCode(t, lsapi.ErrorCode(err), test.code)
				if len(result.Results) > 0 || aws.count("Register") > 0 {
					t.Errorf("the results are %v, the calls %v", resultTexts(result), aws.calls)
				}
				time.Sleep(time.Minute)
				failed := 0
				for _, line := range record.lines() {
					if strings.HasSuffix(line, "failed") {
						failed++
					}
				}
				if failed != test.failed || len(record.log(web).state(0).Open) > 0 {
					t.Errorf("the record has %q", record.lines())
				}
				wantResults(t, wantDecided(t, s, bulk(1, 2, 3)), "+1 conflict", "+2 applied", "+3 applied")
			})
		})
	}
}

func TestBulkWhoseLeaseIsLostIsNeverASuccess(t *testing.T) {
	aws, record := newFakeAWS(numbered(1)), newFakeRecord()
	aws.run(from(1, 3)...)
	aws.next("Register", func(_ context.Context, apply func() error) error {
		record.takeOver()
		return apply()
	})
	recorded(t, aws, record, func(t *testing.T, s *service) {
		result := wantDecided(t, s, bulk(2, -1, 3))
		wantResults(t, result, "+2 unknown timeout", "-1 unknown timeout", "+3 unknown timeout")
		if !result.Recorded || result.Pending {
			t.Errorf("got %+v", result)
		}
		time.Sleep(time.Minute) // the next holder of the lease settles them, here the same process
		applied := 0
		for _, line := range record.lines() {
			if strings.HasPrefix(line, "resolved") && strings.HasSuffix(line, "applied inferred") {
				applied++
			}
		}
		if applied != 3 {
			t.Errorf("the record has %q", record.lines())
		}
	})
}

func TestBulkLeftOpenByACrashIsSettledByReading(t *testing.T) {
	aws, record := newFakeAWS(from(1, 2)...), newFakeRecord()
	aws.run(from(1, 500)...)
	aws.next("Register", func(ctx context.Context, apply func() error) error {
		record.fails(unavailable) // the process is about to crash
		return appliedButCutOff(ctx, apply)
	})
	aws.next("Register", slices.Repeat([]hook{lost}, 2)...)
	synctest.Test(t, func(t *testing.T) {
		crashed := started(t, aws, record)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		b := all(from(3, 500))
		b.Items = append(b.Items, bulk(-1, 2, -7777).Items...)
		result, err := crashed.ChangeAll(ctx, b)
		if err != nil || !result.Pending || !result.Recorded {
			t.Fatalf("got %+v, %v", result, err)
		}
		_ = crashed.Close(ctx) // cut short: it finishes nothing
		record.fails(nil)

		s := started(t, aws, record)
		time.Sleep(2 * time.Minute)
		outcomes := make(map[string]lsapi.Outcome)
		for _, e := range record.recorded() {
			if e.Change.Bulk == b.BulkID {
				outcomes[e.Change.ID] = e.Change.Outcome
			}
		}
		count := make(map[lsapi.Outcome]int)
		for _, o := range outcomes {
			count[o]++
		}
		if n := len(aws.members()); len(outcomes) != 501 || count[lsapi.OutcomeConflict] != 2 || count[lsapi.OutcomeApplied] != n || count[lsapi.OutcomeFailed] != 499-n {
			t.Errorf("the outcomes are %v, %d members", count, n)
		}
		if calls := aws.count("Register") + aws.count("Deregister"); calls != 4 {
			t.Errorf("%d calls were made", calls)
		}
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}
