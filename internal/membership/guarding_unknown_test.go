package membership_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/guard"
	"lsapi/internal/membership"
)

// untagged are the rules of pools whose tags cannot be read.
type untagged rules

func (r untagged) Rules(context.Context, lsapi.PoolID) ([]guard.Rule, error) {
	return r, &lsapi.Error{Code: lsapi.CodeUpstream, RetryAfter: 7 * time.Second}
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
