package health_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/health"
)

func TestRecentQueriesShareAPoll(t *testing.T) {
	aws := newFakeAWS(web)
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		var done sync.WaitGroup
		for range 100 {
			done.Go(func() {
				report, err := p.Recent(t.Context(), web, 10*time.Second)
				if err != nil || said(report, one) != "InService" {
					t.Errorf("got %+v, %v", report, err)
				}
			})
		}
		done.Wait()
		for _, test := range []struct {
			later  time.Duration
			maxAge time.Duration
			polls  int
		}{
			{9 * time.Second, 10 * time.Second, 1}, {2 * time.Second, 10 * time.Second, 2},
			{0, 0, 3}, {0, time.Minute, 3}, {time.Hour, 30 * time.Minute, 4},
		} {
			time.Sleep(test.later)
			began := time.Now()
			report, err := p.Recent(t.Context(), web, test.maxAge)
			if err != nil || began.Sub(report.AsOf) > test.maxAge {
				t.Errorf("a report from %v ago, %v, where it may be %v old", began.Sub(report.AsOf), err, test.maxAge)
			}
			if got := aws.polls(web); got != test.polls {
				t.Errorf("%v after the last, one no older than %v took %d polls in all, want %d", test.later, test.maxAge, got, test.polls)
			}
		}
	})
}

func TestRecentReturnsWhyThereIsNoReport(t *testing.T) {
	aws := newFakeAWS(web)
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		if _, err := p.Recent(t.Context(), lsapi.ELB("nowhere"), time.Minute); lsapi.ErrorCode(err) != lsapi.CodeNotFound {
			t.Errorf("of one that does not exist: %v", err)
		}
		if _, err := p.Recent(t.Context(), web, time.Second); err != nil {
			t.Errorf("while AWS answers: %v", err)
		}
		aws.forget()
		time.Sleep(10 * time.Second)
		aws.change(func() { aws.fail = func([]lsapi.MemberID) error { return lsapi.Errorf(lsapi.CodeUpstream, "no") } })
		for range 10 { // within the pause
			if _, err := p.Recent(t.Context(), web, time.Second); lsapi.ErrorCode(err) != lsapi.CodeUpstream {
				t.Errorf("while AWS fails: %v", err)
			}
		}
		if polls := aws.polls(web); polls != 1 {
			t.Errorf("AWS was asked %d times within the pause", polls)
		}
		aws.change(func() { aws.fail = nil })
		time.Sleep(2 * time.Second)
		if _, err := p.Recent(t.Context(), web, time.Second); err != nil {
			t.Errorf("after the pause: %v", err)
		}
	})
}

func TestPollOfACancelledQueryIsNotMade(t *testing.T) {
	pools := manyNames(17)
	aws := newFakeAWS(pools...)
	aws.latency = 5 * time.Second
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		for _, pool := range pools[:16] { // all that can be asked at once
			follow(t, p, pool)
		}
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Recent(ctx, pools[16], 0); lsapi.ErrorCode(err) != lsapi.CodeTimeout {
			t.Errorf("the waiting query gets %v", err)
		}
		time.Sleep(time.Minute)
		if polls := aws.polls(pools[16]); polls > 0 {
			t.Errorf("it was polled %d times", polls)
		}
	})
}
