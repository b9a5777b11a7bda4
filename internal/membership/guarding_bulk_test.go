package membership_test

import (
	"sync"
	"testing"
	"testing/synctest"

	"lsapi"
)

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
