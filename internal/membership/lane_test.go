package membership_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/membership"
)

// web is the load balancer of most tests.
var web = lsapi.ELB("web")

var (
	one   = lsapi.InstanceMember("i-00000001")
	two   = lsapi.InstanceMember("i-00000002")
	three = lsapi.InstanceMember("i-00000003")
)

// inBubble runs a test on a clock of its own, with a Service over aws that is
// closed at the end.
func inBubble(t *testing.T, aws *fakeAWS, test func(t *testing.T, s *service)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newService(aws, membership.Options{})
		test(t, s)
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

// changes counts the requests of all tests: each has an id of its own.
var changes atomic.Int64

func request(action lsapi.Action, member lsapi.MemberID) lsapi.Request {
	id := fmt.Sprint("change-", changes.Add(1))
	return lsapi.Request{ID: "r", ChangeID: id, At: time.Now(), Actor: lsapi.Actor{Name: "alice"}, Action: action, Pool: web, Member: member}
}

// change makes one change within the client's 30 s and returns its code, "" for success.
func change(s *service, action lsapi.Action, id lsapi.MemberID) lsapi.Code {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err := s.Change(ctx, request(action, id))
	return lsapi.ErrorCode(err)
}

// atOnce makes changes concurrently and counts their codes.
func atOnce(s *service, action lsapi.Action, ids ...lsapi.MemberID) map[lsapi.Code]int {
	var mu sync.Mutex
	var callers sync.WaitGroup
	codes := make(map[lsapi.Code]int)
	for _, id := range ids {
		callers.Go(func() {
			code := change(s, action, id)
			mu.Lock()
			defer mu.Unlock()
			codes[code]++
		})
	}
	callers.Wait()
	return codes
}

// list returns the members as AWS and the overlay show them.
func list(ctx context.Context, aws membership.AWS, s *service, pool lsapi.PoolID) ([]lsapi.MemberID, error) {
	began := time.Now()
	read, err := aws.Members(ctx, pool)
	if err != nil {
		return nil, err
	}
	return s.recent.Over(pool, read.Members, began), nil
}

func listed(t *testing.T, aws membership.AWS, s *service) []lsapi.MemberID {
	t.Helper()
	ids, err := list(t.Context(), aws, s, web)
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	return ids
}

func wantCode(t *testing.T, got, want lsapi.Code) {
	t.Helper()
	if got != want {
		t.Errorf("got code %q, want %q", got, want)
	}
}

func wantMembers(t *testing.T, aws *fakeAWS, want ...lsapi.MemberID) {
	t.Helper()
	if got := aws.members(); !slices.Equal(got, want) {
		t.Errorf("the members are %v, want %v", got, want)
	}
}

func TestOfConcurrentAttachesOfOneInstanceExactlyOneSucceeds(t *testing.T) {
	aws := newFakeAWS()
	aws.run(one)
	inBubble(t, aws, func(t *testing.T, s *service) {
		codes := atOnce(s, lsapi.Attach, slices.Repeat([]lsapi.MemberID{one}, 50)...)
		if codes[""] != 1 || codes[lsapi.CodeConflict] != 49 {
			t.Errorf("got %v, want one success and 49 conflicts", codes)
		}
		wantMembers(t, aws, one)
	})
}

func TestOfConcurrentDetachesOfOneInstanceExactlyOneSucceeds(t *testing.T) {
	aws := newFakeAWS(one, two)
	inBubble(t, aws, func(t *testing.T, s *service) {
		codes := atOnce(s, lsapi.Detach, slices.Repeat([]lsapi.MemberID{one}, 50)...)
		if codes[""] != 1 || codes[lsapi.CodeConflict] != 49 {
			t.Errorf("got %v, want one success and 49 conflicts", codes)
		}
		wantMembers(t, aws, two)
	})
}

func TestRequestsThatWaitDuringACallShareTheNext(t *testing.T) {
	aws := newFakeAWS()
	ids := make([]lsapi.MemberID, 500)
	for i := range ids {
		ids[i] = lsapi.InstanceMember(fmt.Sprintf("i-%08x", i))
	}
	aws.run(ids...)
	inBubble(t, aws, func(t *testing.T, s *service) {
		start := time.Now()
		if codes := atOnce(s, lsapi.Attach, ids...); codes[""] != len(ids) {
			t.Errorf("got %v, want all to succeed", codes)
		}
		// One round for the first requests, then 499 in batches of 200.
		if calls := aws.count("Register"); calls > 4 {
			t.Errorf("it took %d register calls, want at most 4", calls)
		}
		if took := time.Since(start); took > 8*aws.latency {
			t.Errorf("it took %v, want two calls' time for each of four rounds", took)
		}
	})
}

func TestReversalKeepsItsPlaceBehindWhatItReverses(t *testing.T) {
	aws := newFakeAWS()
	aws.run(one)
	inBubble(t, aws, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		for i := range 6 {
			action := []lsapi.Action{lsapi.Attach, lsapi.Detach}[i%2]
			callers.Go(func() { wantCode(t, change(s, action, one), "") })
			synctest.Wait() // it waits in the lane
		}
		callers.Wait()
		wantMembers(t, aws)
	})
}

func TestRoundMakesAtMostOneRegisterAndOneDeregister(t *testing.T) {
	aws := newFakeAWS(two)
	aws.run(one, three)
	inBubble(t, aws, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, three) }) // occupies the lane
		synctest.Wait()
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, one), "") })
		callers.Go(func() { wantCode(t, change(s, lsapi.Detach, two), "") })
		callers.Wait()
		if r, d := aws.count("Register"), aws.count("Deregister"); r != 2 || d != 1 {
			t.Errorf("two rounds made %d register and %d deregister calls, want 2 and 1", r, d)
		}
		wantMembers(t, aws, one, three)
	})
}

func TestLaggingReadDoesNotUndoAnAnsweredChange(t *testing.T) {
	aws := newFakeAWS(two)
	aws.lag = 9 * time.Second
	aws.run(one, two)
	inBubble(t, aws, func(t *testing.T, s *service) {
		wantCode(t, change(s, lsapi.Attach, one), "")
		if got := listed(t, aws, s); !slices.Equal(got, []lsapi.MemberID{two, one}) {
			t.Errorf("the list after an attach is %v", got)
		}
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeConflict)
		wantCode(t, change(s, lsapi.Detach, one), "")
		wantCode(t, change(s, lsapi.Detach, one), lsapi.CodeConflict)
		wantCode(t, change(s, lsapi.Detach, two), "")
		if got := listed(t, aws, s); len(got) != 0 {
			t.Errorf("the list after two detaches is %v", got)
		}
		wantCode(t, change(s, lsapi.Attach, one), "")
		wantMembers(t, aws, one)
	})
}

func TestAttachNeedsARunningInstance(t *testing.T) {
	aws := newFakeAWS(two)
	aws.facts[two] = lsapi.Instance{ID: two.String(), State: "stopped"}
	inBubble(t, aws, func(t *testing.T, s *service) {
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeInvalid) // EC2 does not know it
		wantCode(t, change(s, lsapi.Attach, two), lsapi.CodeInvalid) // before the conflict
		if calls := aws.count("Register"); calls != 0 {
			t.Errorf("AWS was asked to register %d times", calls)
		}
	})
}

func TestMemberUnknownToEC2IsListedAndCanBeDetached(t *testing.T) {
	aws := newFakeAWS(one)
	inBubble(t, aws, func(t *testing.T, s *service) {
		if got := listed(t, aws, s); !slices.Equal(got, []lsapi.MemberID{one}) {
			t.Errorf("the list is %v", got)
		}
		wantCode(t, change(s, lsapi.Detach, one), "")
		wantMembers(t, aws)
	})
}

func TestUnknownLoadBalancerIsNotFound(t *testing.T) {
	aws := newFakeAWS()
	aws.gone = true
	inBubble(t, aws, func(t *testing.T, s *service) {
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeNotFound)
		wantCode(t, change(s, lsapi.Detach, one), lsapi.CodeNotFound)
	})
}

// wantNothingChanged reports a message that leaves open whether a change took effect.
func wantNothingChanged(t *testing.T, err error) {
	t.Helper()
	if message := lsapi.AsError(err).Message; !strings.Contains(message, "nothing was changed") && !strings.Contains(message, "did not take effect") {
		t.Errorf("the message is %q", message)
	}
}

func TestFailureOfAWSIsAnsweredAndChangesNothing(t *testing.T) {
	for _, op := range []string{"Members", "Instances", "Register"} {
		for _, code := range []lsapi.Code{lsapi.CodeThrottled, lsapi.CodeForbidden, lsapi.CodeUpstream, lsapi.CodeTimeout} {
			t.Run(op+" "+string(code), func(t *testing.T) {
				aws := newFakeAWS()
				aws.run(one)
				aws.next(op, fails(code))
				inBubble(t, aws, func(t *testing.T, s *service) {
					_, err := s.Change(t.Context(), request(lsapi.Attach, one))
					wantCode(t, lsapi.ErrorCode(err), code)
					if code == lsapi.CodeUpstream || code == lsapi.CodeTimeout { // the others imply it
						wantNothingChanged(t, err)
					}
					wantMembers(t, aws)
					wantCode(t, change(s, lsapi.Attach, one), "")
				})
			})
		}
	}
}

func TestRequestsThatShareAFailedChangeAreTriedAnew(t *testing.T) {
	aws := newFakeAWS()
	aws.run(one, two)
	aws.next("Register", func(_ context.Context, apply func() error) error { return apply() }, fails(lsapi.CodeThrottled))
	inBubble(t, aws, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, two) }) // so that the next three share a round
		synctest.Wait()
		callers.Go(func() {
			codes := atOnce(s, lsapi.Attach, one, one, one)
			if codes[lsapi.CodeThrottled] != 1 || codes[""] != 1 || codes[lsapi.CodeConflict] != 1 {
				t.Errorf("got %v, want one of each: throttled, success, conflict", codes)
			}
		})
		callers.Wait()
	})
}

func TestChangeIsShownBeforeItsCallerIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aws := newFakeAWS(two)
		aws.run(one, two)
		var shown []string
		s := newService(aws, membership.Options{}, func(pool lsapi.PoolID, attached, detached []lsapi.Member) {
			for _, instance := range attached {
				shown = append(shown, fmt.Sprint(pool, " attach ", instance.ID, " ", instance.Instance.Type))
			}
			for _, instance := range detached {
				shown = append(shown, fmt.Sprint(pool, " detach ", instance.ID, " ", instance.Instance.Type))
			}
		})
		for _, r := range []lsapi.Request{request(lsapi.Attach, one), request(lsapi.Attach, one), request(lsapi.Detach, two)} {
			before := len(shown)
			_, err := s.Change(t.Context(), r)
			if (err == nil) != (len(shown) == before+1) {
				t.Errorf("the answer was %v, and %v was shown", err, shown[before:])
			}
		}
		if want := []string{"default/elb/web attach " + one.String() + " t2.micro", "default/elb/web detach " + two.String() + " t2.micro"}; !slices.Equal(shown, want) {
			t.Errorf("shown %q, want %q", shown, want)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestRequestIsWithdrawnWhenItsCallerLeavesTheQueue(t *testing.T) {
	aws := newFakeAWS()
	aws.run(one, two)
	aws.next("Register", func(_ context.Context, apply func() error) error {
		time.Sleep(2 * time.Second)
		return apply()
	})
	inBubble(t, aws, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, one), "") })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.Change(ctx, request(lsapi.Attach, two))
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeTimeout)
		if err == nil || !strings.Contains(err.Error(), "nothing was changed") {
			t.Errorf("the answer does not say that nothing was changed: %v", err)
		}
		callers.Wait()
		wantMembers(t, aws, one)
	})
	wantMembers(t, aws, one)
}

func TestSentCallGoesOnWhenItsCallerLeaves(t *testing.T) {
	aws := newFakeAWS()
	aws.run(one)
	aws.next("Register", func(_ context.Context, apply func() error) error {
		time.Sleep(2 * time.Second)
		return apply()
	})
	inBubble(t, aws, func(t *testing.T, s *service) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.Change(ctx, request(lsapi.Attach, one))
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeTimeout)
		if err == nil || !strings.Contains(err.Error(), "may have taken effect") {
			t.Errorf("the answer does not say that the outcome is open: %v", err)
		}
		time.Sleep(2 * time.Second)
		wantMembers(t, aws, one)
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeConflict)
	})
}

func TestReadEndsWhenAllItsCallersHaveLeft(t *testing.T) {
	for _, test := range []struct {
		name   string
		stays  bool
		lasted time.Duration
	}{{"all leave", false, time.Second}, {"one stays", true, membership.DefaultCallTimeout}} {
		t.Run(test.name, func(t *testing.T) {
			aws := newFakeAWS()
			aws.run(one, two)
			var lasted time.Duration
			// The first read is for the first request, the second for both.
			aws.next("Members", func(context.Context, func() error) error { return lsapi.Errorf(lsapi.CodeUpstream, "") },
				func(ctx context.Context, _ func() error) error {
					start := time.Now()
					<-ctx.Done()
					lasted = time.Since(start) + aws.latency
					return ctx.Err()
				})
			inBubble(t, aws, func(t *testing.T, s *service) {
				var callers sync.WaitGroup
				callers.Go(func() { change(s, lsapi.Attach, three) })
				synctest.Wait()
				ctx, leave := context.WithCancel(t.Context())
				other := ctx
				if test.stays {
					other = t.Context()
				}
				callers.Go(func() { _, _ = s.Change(ctx, request(lsapi.Attach, one)) })
				callers.Go(func() { _, _ = s.Change(other, request(lsapi.Attach, two)) })
				time.Sleep(aws.latency + time.Second)
				leave()
				callers.Wait()
				synctest.Wait()
				if lasted != test.lasted {
					t.Errorf("the read of the membership lasted %v, want %v", lasted, test.lasted)
				}
			})
		})
	}
}

// noPools has no pool.
type noPools struct{}

func (noPools) Resolve(context.Context, lsapi.PoolID, []lsapi.MemberID) ([]lsapi.MemberID, string, error) {
	return nil, "", lsapi.Errorf(lsapi.CodeNotFound, "")
}

func TestMissingLoadBalancerStartsNoLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aws := newFakeAWS()
		s := newService(aws, membership.Options{
			Pools: noPools{},
		})
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeNotFound)
		if stats := s.Stats(); stats.Lanes != 0 || len(aws.calls) != 0 {
			t.Errorf("there are %d lanes, and AWS was asked %v", stats.Lanes, aws.calls)
		}
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func TestHangingLaneDelaysNoOther(t *testing.T) {
	aws := newFakeAWS()
	aws.run(one, two)
	aws.next("Register", hangs)
	inBubble(t, aws, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { change(s, lsapi.Attach, one) })
		synctest.Wait()
		time.Sleep(60 * time.Millisecond) // the register call of the first has begun
		start := time.Now()
		other := request(lsapi.Attach, two)
		other.Pool = lsapi.ELB("other")
		if _, err := s.Change(t.Context(), other); err != nil {
			t.Errorf("the other load balancer: %v", err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("the other load balancer took %v", took)
		}
		callers.Wait()
	})
}

func TestFullLaneRejectsAtOnce(t *testing.T) {
	aws := newFakeAWS()
	aws.next("Members", func(ctx context.Context, apply func() error) error {
		time.Sleep(5 * time.Second)
		return apply()
	})
	inBubble(t, aws, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		for i := range 1001 { // one in the round that hangs, 1,000 behind it
			callers.Go(func() { change(s, lsapi.Attach, lsapi.InstanceMember(fmt.Sprintf("i-%08x", i))) })
			if i == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		start := time.Now()
		_, err := s.Change(t.Context(), request(lsapi.Attach, one))
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeThrottled)
		if lsapi.AsError(err).RetryAfter <= 0 || time.Since(start) > 0 {
			t.Errorf("refused after %v with Retry-After %v", time.Since(start), lsapi.AsError(err).RetryAfter)
		}
		callers.Wait()
	})
}

func TestCloseLetsLanesFinishAndRejectsLaterRequests(t *testing.T) {
	aws := newFakeAWS()
	aws.run(one)
	inBubble(t, aws, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, one), "") })
		synctest.Wait()
		if err := s.Close(t.Context()); err != nil {
			t.Errorf("close: %v", err)
		}
		callers.Wait()
		wantMembers(t, aws, one)
		wantCode(t, change(s, lsapi.Detach, one), lsapi.CodeThrottled)
	})
}

// An adapter that waits without its context holds no stop up.
func TestCloseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aws := newFakeAWS()
		aws.run(one)
		released := make(chan struct{})
		defer close(released)
		aws.next("Register", func(context.Context, func() error) error {
			<-released
			return nil
		})
		s := newService(aws, membership.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if code := change(s, lsapi.Attach, one); code != lsapi.CodeTimeout {
			t.Errorf("got %s", code)
		}
		began := time.Now()
		if err := s.Close(ctx); err == nil || time.Since(began) > 2*time.Second {
			t.Errorf("close took %v: %v", time.Since(began), err)
		}
	})
}

func TestCloseThatIsCutShortAnswersAllCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aws := newFakeAWS()
		aws.run(one, two)
		aws.next("Register", hangs)
		var log bytes.Buffer
		s := newService(aws, membership.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		var callers sync.WaitGroup
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeTimeout) })
		synctest.Wait()
		time.Sleep(aws.latency) // the register call hangs
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, two), lsapi.CodeThrottled) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Close(ctx); err == nil {
			t.Error("close did not say that it was cut short")
		}
		callers.Wait()
		if !strings.Contains(log.String(), "outcome=unknown") {
			t.Errorf("the open change is not logged as unknown:\n%s", &log)
		}
	})
}
