package membership_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
)

// inOneRound attaches the instances so that all of them share a round.
func inOneRound(s *service, action lsapi.Action, ids ...lsapi.MemberID) map[lsapi.Code]int {
	var first sync.WaitGroup
	first.Go(func() { change(s, lsapi.Attach, lsapi.InstanceMember("i-ffffffff")) }) // unknown to EC2: occupies the lane, sends nothing
	synctest.Wait()
	codes := atOnce(s, action, ids...)
	first.Wait()
	return codes
}

// refusing makes Register refuse every batch that holds one of the culprits,
// as often as it is asked.
func refusing(aws *fakeAWS, culprits ...lsapi.MemberID) {
	var refuse hook
	refuse = func(_ context.Context, apply func() error) error {
		aws.next("Register", refuse)
		aws.mu.Lock()
		batch := aws.calls[len(aws.calls)-1].ids
		aws.mu.Unlock()
		for _, id := range culprits {
			if slices.Contains(batch, id) {
				return lsapi.Errorf(lsapi.CodeInvalid, "Could not find EC2 instance %s.", id)
			}
		}
		return apply()
	}
	aws.next("Register", refuse)
}

func fleet(n int) []lsapi.MemberID {
	ids := make([]lsapi.MemberID, n)
	for i := range ids {
		ids[i] = lsapi.InstanceMember(fmt.Sprintf("i-%08x", i))
	}
	return ids
}

func TestCulpritOfARefusedBatchIsRefusedAndTheOthersSucceed(t *testing.T) {
	aws := newFakeAWS()
	ids := fleet(200)
	aws.run(ids...)
	refusing(aws, ids[137])
	inBubble(t, aws, func(t *testing.T, s *service) {
		codes := inOneRound(s, lsapi.Attach, ids...)
		if codes[""] != 199 || codes[lsapi.CodeInvalid] != 1 {
			t.Errorf("got %v, want 199 successes and one refusal", codes)
		}
		if slices.Contains(aws.members(), ids[137]) {
			t.Error("the culprit is a member")
		}
	})
}

// Addresses are no instances: EC2 does not have them.
func TestCulpritAmongAddressesIsRefusedAndTheOthersSucceed(t *testing.T) {
	aws := newFakeAWS()
	var ids []lsapi.MemberID
	for n := range 8 {
		ids = append(ids, lsapi.MemberID{Address: netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}), Port: 80})
	}
	aws.run(ids...)
	refusing(aws, ids[5])
	inBubble(t, aws, func(t *testing.T, s *service) {
		if codes := inOneRound(s, lsapi.Attach, ids...); codes[""] != 7 || codes[lsapi.CodeInvalid] != 1 {
			t.Errorf("got %v, want 7 successes and one refusal", codes)
		}
		if n := aws.count("Instances"); n > 1 { // the first is that of inOneRound
			t.Errorf("EC2 got %d lookups", n)
		}
	})
}

func TestIsolationIsBounded(t *testing.T) {
	aws := newFakeAWS()
	ids := fleet(64)
	aws.run(ids...)
	refusing(aws, ids...)
	inBubble(t, aws, func(t *testing.T, s *service) {
		codes := inOneRound(s, lsapi.Attach, ids...)
		if codes[lsapi.CodeInvalid] != 64 {
			t.Errorf("got %v, want 64 refusals", codes)
		}
		if calls := aws.count("Register"); calls > 17 {
			t.Errorf("it took %d register calls, want at most 1 and 16 extra", calls)
		}
	})
}

func TestInstanceThatStopsMeanwhileIsFoundByOneLookup(t *testing.T) {
	aws := newFakeAWS()
	ids := fleet(50)
	aws.run(ids...)
	aws.next("Register", func(_ context.Context, apply func() error) error {
		aws.mu.Lock()
		aws.facts[ids[7]] = lsapi.Instance{ID: ids[7].String(), State: "stopping"}
		aws.mu.Unlock()
		return apply()
	})
	inBubble(t, aws, func(t *testing.T, s *service) {
		codes := inOneRound(s, lsapi.Attach, ids...)
		if codes[""] != 49 || codes[lsapi.CodeInvalid] != 1 {
			t.Errorf("got %v, want 49 successes and one refusal", codes)
		}
		if calls := aws.count("Register"); calls != 2 {
			t.Errorf("it took %d register calls, want 2", calls)
		}
	})
}

func TestMemberDetachedMeanwhileIsAConflict(t *testing.T) {
	aws := newFakeAWS(one, two)
	aws.run(one, two)
	aws.next("Deregister", func(_ context.Context, apply func() error) error {
		aws.mu.Lock()
		aws.versions = append(aws.versions, version{members: []lsapi.MemberID{two}})
		aws.mu.Unlock()
		return apply()
	})
	inBubble(t, aws, func(t *testing.T, s *service) {
		codes := inOneRound(s, lsapi.Detach, one, two)
		if codes[""] != 1 || codes[lsapi.CodeConflict] != 1 {
			t.Errorf("got %v, want one success and one conflict", codes)
		}
		wantMembers(t, aws)
	})
}

func TestUnisolatedInstanceDoesNotGetTheMessageOfAnother(t *testing.T) {
	aws := newFakeAWS()
	ids := fleet(200)
	aws.run(ids...)
	refusing(aws, ids...)
	inBubble(t, aws, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, lsapi.InstanceMember("i-ffffffff")) })
		synctest.Wait()
		for _, id := range ids {
			callers.Go(func() {
				_, err := s.Change(t.Context(), request(lsapi.Attach, id))
				message := lsapi.AsError(err).Message
				own := fmt.Sprintf("Could not find EC2 instance %s.", id)
				shared := "AWS refused the member together with the others of its batch"
				if message != own && message != shared {
					t.Errorf("%s got %q", id, message)
				}
			})
		}
		callers.Wait()
	})
}

func TestRecheckOfABatchIncludesTheOverlay(t *testing.T) {
	aws := newFakeAWS(two)
	aws.run(one, two)
	aws.lag = 5 * time.Second
	inBubble(t, aws, func(t *testing.T, s *service) {
		time.Sleep(20 * time.Second)
		wantCode(t, change(s, lsapi.Attach, one), "") // reads do not show it yet
		aws.change(func() { aws.versions = append(aws.versions, version{time.Now(), []lsapi.MemberID{one}}) })
		codes := inOneRound(s, lsapi.Detach, one, two) // two is gone, which reads do not show either
		if codes[""] != 1 {
			t.Errorf("got %v, want the detach of the member to succeed", codes)
		}
		wantMembers(t, aws)
	})
}

// callsOfRound attaches the instances in one round, whose answers are all the same, and
// returns how often AWS was asked to register.
func callsOfRound(t *testing.T, aws *fakeAWS, want lsapi.Code, ids ...lsapi.MemberID) int {
	t.Helper()
	inBubble(t, aws, func(t *testing.T, s *service) {
		if codes := inOneRound(s, lsapi.Attach, ids...); codes[want] != len(ids) {
			t.Errorf("got %v, want %q for all", codes, want)
		}
	})
	return aws.count("Register")
}

func TestBatchInWhichAllHaveStoppedIsNotSentAgain(t *testing.T) {
	aws := newFakeAWS()
	aws.run(one, two)
	aws.next("Register", func(_ context.Context, apply func() error) error {
		aws.change(func() { aws.facts = nil })
		return apply()
	})
	if calls := callsOfRound(t, aws, lsapi.CodeInvalid, one, two); calls != 1 {
		t.Errorf("it took %d register calls", calls)
	}
}

func TestCallAfterTheRecheckCountsAmongTheExtraCalls(t *testing.T) {
	aws := newFakeAWS()
	ids := fleet(64)
	aws.run(ids...)
	aws.next("Register", func(_ context.Context, apply func() error) error {
		aws.change(func() { delete(aws.facts, ids[0]) })
		refusing(aws, ids...)
		return apply()
	})
	if calls := callsOfRound(t, aws, lsapi.CodeInvalid, ids...); calls != 17 {
		t.Errorf("it took %d register calls, want 1 and 16 extra", calls)
	}
}

func TestIsolationEndsWithTheTimeOfTheCalls(t *testing.T) {
	aws := newFakeAWS()
	ids := fleet(8)
	aws.run(ids...)
	var refuse hook
	refuse = func(context.Context, func() error) error {
		aws.next("Register", refuse)
		time.Sleep(7 * time.Second)
		return lsapi.Errorf(lsapi.CodeInvalid, "refused")
	}
	aws.next("Register", refuse)
	if calls := callsOfRound(t, aws, lsapi.CodeInvalid, ids...); calls != 3 {
		t.Errorf("it took %d register calls of 7 s within 20 s", calls)
	}
}

func TestBatchThatAWSMayHaveCarriedOutIsNotSentAgain(t *testing.T) {
	aws := newFakeAWS()
	aws.run(one, two)
	aws.next("Register", func(_ context.Context, apply func() error) error {
		_ = apply()
		return &lsapi.Error{Code: lsapi.CodeInvalid, Ambiguous: true}
	})
	if calls := callsOfRound(t, aws, "", one, two); calls != 1 {
		t.Errorf("it took %d register calls", calls)
	}
}

func TestThrottledBatchIsNotSentAgain(t *testing.T) {
	aws := newFakeAWS()
	aws.run(one, two)
	aws.next("Register", fails(lsapi.CodeThrottled))
	if calls := callsOfRound(t, aws, lsapi.CodeThrottled, one, two); calls != 1 {
		t.Errorf("it took %d register calls", calls)
	}
}

func TestCulpritIsFoundWithoutTheRecheck(t *testing.T) {
	aws := newFakeAWS()
	aws.run(one, two)
	refusing(aws, two)
	for range 2 { // the lookups of the two rounds
		aws.next("Instances", func(_ context.Context, apply func() error) error { return apply() })
	}
	aws.next("Instances", fails(lsapi.CodeUpstream))
	inBubble(t, aws, func(t *testing.T, s *service) {
		codes := inOneRound(s, lsapi.Attach, one, two)
		if codes[""] != 1 || codes[lsapi.CodeInvalid] != 1 {
			t.Errorf("got %v, want one success and one refusal", codes)
		}
	})
	wantMembers(t, aws, one)
}
