package membership_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/membership"
)

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
