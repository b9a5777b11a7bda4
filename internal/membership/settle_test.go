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

func TestACallOfUnknownOutcomeIsSettledByReadingAgain(t *testing.T) {
	tests := []struct {
		name    string
		goes    hook
		want    lsapi.Code
		within  time.Duration
		members []string
	}{
		{"applied, the answer lost", appliedButCutOff, "", time.Second, []string{one}},
		{"applied late", late(5 * time.Second), "", 8 * time.Second, []string{one}},
		{"never applied", lost, lsapi.CodeUpstream, 23 * time.Second, nil},
		{"hung until its deadline", hangs, lsapi.CodeTimeout, 23 * time.Second, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			aws := newFakeAWS()
			aws.run(one)
			aws.next("Register", test.goes)
			inBubble(t, aws, func(t *testing.T, s *membership.Service) {
				start := time.Now()
				wantCode(t, change(s, lsapi.Attach, one), test.want)
				if took := time.Since(start); took > test.within {
					t.Errorf("it took %v, want at most %v", took, test.within)
				}
				wantMembers(t, aws, test.members...)
			})
		})
	}
}

func TestADetachOfUnknownOutcomeIsSettledToo(t *testing.T) {
	aws := newFakeAWS(one)
	aws.next("Deregister", appliedButCutOff)
	inBubble(t, aws, func(t *testing.T, s *membership.Service) {
		wantCode(t, change(s, lsapi.Detach, one), "")
		wantMembers(t, aws)
	})
}

func TestWhatCannotBeReadStaysUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aws := newFakeAWS()
		aws.run(one)
		var log bytes.Buffer
		s := membership.New(aws, membership.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
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

func TestAReadThatLagsDoesNotSettleByWhatWasBefore(t *testing.T) {
	aws := newFakeAWS(one)
	aws.lag = 9 * time.Second
	aws.run(one)
	inBubble(t, aws, func(t *testing.T, s *membership.Service) {
		wantCode(t, change(s, lsapi.Detach, one), "")
		// Reads go on showing the instance for 9 s: not because of this attach.
		aws.next("Register", lost)
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeUpstream)
		wantMembers(t, aws)
	})
}

func TestWhoWaitsForAnOpenInstanceWaitsForItsOutcome(t *testing.T) {
	aws := newFakeAWS()
	aws.run(one, two)
	aws.next("Register", late(5*time.Second))
	inBubble(t, aws, func(t *testing.T, s *membership.Service) {
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

func TestAnOpenChangeEndsWithItsLoadBalancer(t *testing.T) {
	aws := newFakeAWS()
	aws.run(one)
	aws.next("Register", func(context.Context, func() error) error {
		aws.mu.Lock()
		defer aws.mu.Unlock()
		aws.gone = true
		return cutOff()
	})
	inBubble(t, aws, func(t *testing.T, s *membership.Service) {
		wantCode(t, change(s, lsapi.Attach, one), lsapi.CodeTimeout)
	})
}
