package membership_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/membership"
)

func TestCallOfUnknownOutcomeIsSettledByReading(t *testing.T) {
	tests := []struct {
		name    string
		goes    hook
		want    lsapi.Code
		within  time.Duration
		members []lsapi.MemberID
	}{
		{"applied, the answer lost", appliedButCutOff, "", time.Second, []lsapi.MemberID{one}},
		{"applied late", late(5 * time.Second), "", 8 * time.Second, []lsapi.MemberID{one}},
		{"never applied", lost, lsapi.CodeUpstream, 23 * time.Second, nil},
		{"hung until its deadline", hangs, lsapi.CodeTimeout, 23 * time.Second, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			aws := newFakeAWS()
			aws.run(one)
			aws.next("Register", test.goes)
			inBubble(t, aws, func(t *testing.T, s *service) {
				start := time.Now()
				_, err := s.Change(t.Context(), request(lsapi.Attach, one))
				wantCode(t, lsapi.ErrorCode(err), test.want)
				if err != nil {
					wantNothingChanged(t, err)
				}
				if took := time.Since(start); took > test.within {
					t.Errorf("it took %v, want at most %v", took, test.within)
				}
				wantMembers(t, aws, test.members...)
			})
		})
	}
}

func TestDetachOfUnknownOutcomeIsSettledByReading(t *testing.T) {
	aws := newFakeAWS(one)
	aws.next("Deregister", appliedButCutOff)
	inBubble(t, aws, func(t *testing.T, s *service) {
		wantCode(t, change(s, lsapi.Detach, one), "")
		wantMembers(t, aws)
	})
}

func TestUnreadableOutcomeStaysUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aws := newFakeAWS()
		aws.run(one)
		var log bytes.Buffer
		s := newService(aws, membership.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		aws.next("Register", func(context.Context, func() error) error {
			for range 100 {
				aws.next("Members", fails(lsapi.CodeUpstream))
			}
			return cutOff()
		})
		_, err := s.Change(t.Context(), request(lsapi.Attach, one))
		wantCode(t, lsapi.ErrorCode(err), lsapi.CodeTimeout)
		if !strings.Contains(log.String(), "outcome=unknown") {
			t.Errorf("the log does not say so:\n%s", &log)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

func TestLaggingReadSettlesNothing(t *testing.T) {
	aws := newFakeAWS(one)
	aws.lag = 9 * time.Second
	aws.run(one)
	inBubble(t, aws, func(t *testing.T, s *service) {
		wantCode(t, change(s, lsapi.Detach, one), "")
		// Reads go on showing the instance for 9 s: not because of this attach.
		aws.next("Register", lost)
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeUpstream)
		wantMembers(t, aws)
	})
}

func TestRequestForAnOpenInstanceWaitsForItsOutcome(t *testing.T) {
	aws := newFakeAWS()
	aws.run(one, two)
	aws.next("Register", late(5*time.Second))
	inBubble(t, aws, func(t *testing.T, s *service) {
		var callers sync.WaitGroup
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, one), "") })
		synctest.Wait()
		time.Sleep(time.Second) // the answer is lost
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeConflict) })

		start := time.Now()
		wantCode(t, change(s, lsapi.Attach, two), "")
		if took := time.Since(start); took > time.Second {
			t.Errorf("another instance of the load balancer waited %v", took)
		}
		callers.Wait()
		if calls := aws.count("Register"); calls != 2 {
			t.Errorf("there were %d register calls, want 2: an open call is never repeated", calls)
		}
		wantMembers(t, aws, one, two)
	})
}

func TestOpenChangeEndsWithItsLoadBalancer(t *testing.T) {
	aws := newFakeAWS()
	aws.run(one)
	aws.next("Register", func(context.Context, func() error) error {
		aws.mu.Lock()
		defer aws.mu.Unlock()
		aws.gone = true
		return cutOff()
	})
	inBubble(t, aws, func(t *testing.T, s *service) {
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeTimeout)
	})
}

// readsAfter returns when the reads of the membership began that follow the failed
// register call, by the time since.
func readsAfter(t *testing.T, lasts time.Duration) []time.Duration {
	t.Helper()
	aws := newFakeAWS()
	aws.run(one, two)
	var reads []time.Duration
	inBubble(t, aws, func(t *testing.T, s *service) {
		aws.next("Register", lost)
		change(s, lsapi.Attach, two) // an earlier one was open for so long that the pauses are at their longest
		var failed time.Time
		aws.next("Register", func(ctx context.Context, apply func() error) error {
			failed = time.Now()
			var note hook
			note = func(_ context.Context, apply func() error) error {
				reads = append(reads, time.Since(failed)-aws.latency)
				aws.next("Members", note)
				return apply()
			}
			aws.next("Members", note)
			return late(lasts)(ctx, apply)
		})
		wantCode(t, change(s, lsapi.Attach, one), "")
	})
	return reads
}

func TestOpenCallIsReadSoonAndThenSeldom(t *testing.T) {
	reads := readsAfter(t, 9*time.Second)
	if len(reads) < 7 || len(reads) > 10 || reads[0] < 100*time.Millisecond || reads[0] > 200*time.Millisecond || reads[1] > 500*time.Millisecond {
		t.Errorf("the reads began after %v", reads)
	}
}

func TestWithdrawnChangeIsRecordedRightAfterTheRound(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		for range 5 {
			change(s, lsapi.Attach, three) // a round in which nothing is open
		}
		var callers sync.WaitGroup
		callers.Go(func() { wantCode(t, change(s, lsapi.Attach, one), "") })
		synctest.Wait()
		_, _ = leaving(s, time.Millisecond, lsapi.Attach, two, "left")
		callers.Wait()
		synctest.Wait()
		if !hasChange(record, "left") {
			t.Error("the withdrawn change waits for the record")
		}
	})
}

func TestOpenCallIsSettledWhenReadsAreBackInTime(t *testing.T) {
	for _, test := range []struct {
		away time.Duration
		want lsapi.Code
		took time.Duration
	}{{25 * time.Second, "", 27 * time.Second}, {time.Hour, lsapi.CodeTimeout, 33 * time.Second}} {
		t.Run(test.away.String(), func(t *testing.T) {
			aws := newFakeAWS()
			aws.run(one)
			aws.next("Register", func(ctx context.Context, apply func() error) error {
				began := time.Now()
				var away hook
				away = func(_ context.Context, apply func() error) error {
					if time.Since(began) > test.away {
						return apply()
					}
					aws.next("Members", away)
					return lsapi.Errorf(lsapi.CodeUpstream, "away")
				}
				aws.next("Members", away)
				return appliedButCutOff(ctx, apply)
			})
			inBubble(t, aws, func(t *testing.T, s *service) {
				began := time.Now()
				_, err := s.Change(t.Context(), request(lsapi.Attach, one))
				wantCode(t, lsapi.ErrorCode(err), test.want)
				if took := time.Since(began); took > test.took || took < test.took-4*time.Second {
					t.Errorf("it was settled after %v, want about %v", took, test.took)
				}
			})
		})
	}
}

func TestSettledChangeIsPassedToTheListing(t *testing.T) {
	aws := newFakeAWS()
	aws.run(one)
	aws.next("Register", appliedButCutOff)
	synctest.Test(t, func(t *testing.T) {
		shown := 0
		s := newService(aws, membership.Options{}, func(_ lsapi.PoolID, attached, _ []lsapi.Member) { shown += len(attached) })
		wantCode(t, change(s, lsapi.Attach, one), "")
		if shown != 1 {
			t.Errorf("the change was passed on %d times", shown)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestOpenCallStaysOpenWhenTheLeaseIsLostAtItsSettlement(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.next("Register", appliedButCutOff)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		record.fails(appendsFail(leaseLost(), isResolved))
		time.AfterFunc(time.Second, func() { record.fails(nil) })
		wantCode(t, change(s, lsapi.Attach, one), "")
	})
}

func TestOpenCallIsAnsweredWhenTheRecordRefusesItsSettlement(t *testing.T) {
	aws, record := newFakeAWS(), newFakeRecord()
	aws.run(one)
	aws.next("Register", appliedButCutOff)
	recorded(t, aws, record, func(t *testing.T, s *service) {
		record.fails(appendsFail(&lsapi.Error{Code: lsapi.CodeInternal}, isResolved))
		began := time.Now()
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeTimeout)
		if took := time.Since(began); took > time.Second {
			t.Errorf("the caller was answered after %v", took)
		}
		record.fails(nil)
	})
}
