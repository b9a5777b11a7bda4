package health_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/health"
)

func TestThousandFollowersCostThePollsOfOne(t *testing.T) {
	aws := newFakeAWS(web)
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		const waiters = 1000
		began := time.Now()
		var reports atomic.Int64
		var done sync.WaitGroup
		for range waiters {
			done.Go(func() {
				f := follow(t, p, web)
				for after := began.Add(-1); after.Sub(began) < 20*time.Second; {
					after = next(t, f, after).AsOf
					reports.Add(1)
				}
			})
		}
		done.Wait()
		if got, polls := reports.Load(), aws.polls(web); polls != 11 || got != waiters*int64(polls) {
			t.Errorf("in 20 s %d followers got %d reports by %d polls, of which one is due each 2 s", waiters, got, polls)
		}
	})
}

func TestFirstPollOfAFollowerIsAtOnceUnlessAReportIsRecent(t *testing.T) {
	aws := newFakeAWS(web)
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		for _, test := range []struct{ since, wait time.Duration }{
			{0, 0}, {500 * time.Millisecond, 1450 * time.Millisecond}, {10 * time.Second, 0},
		} {
			time.Sleep(test.since)
			began := time.Now()
			f := p.Follow(web)
			report := next(t, f, began.Add(-1))
			f.Close()
			if got := report.AsOf.Sub(began); got != test.wait {
				t.Errorf("%v after the last poll, the next began %v later, want %v", test.since, got, test.wait)
			}
		}
	})
}

func TestFollowerIgnoresAPollThatBeganBefore(t *testing.T) {
	aws := newFakeAWS(web)
	aws.latency = time.Second
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		f := follow(t, p, web)
		time.Sleep(500 * time.Millisecond)
		after := time.Now()
		if report := next(t, f, after); !report.AsOf.After(after) {
			t.Errorf("a report that began %v before it was waited for", after.Sub(report.AsOf))
		}
		if first := next(t, f, time.Time{}); first.AsOf.IsZero() {
			t.Error("a follower gets nothing")
		}
	})
}

func TestPollerWithoutFollowersCostsNothing(t *testing.T) {
	aws := newFakeAWS(web)
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		f, g := p.Follow(web), p.Follow(web)
		next(t, f, time.Now().Add(-1))
		f.Close()
		f.Close()
		next(t, g, time.Now())
		g.Close()
		aws.forget()
		time.Sleep(time.Hour)
		if polls := aws.polls(web); polls > 0 {
			t.Errorf("%d polls without a follower", polls)
		}
		if got := p.Stats(); got.Followers != 0 || got.Followed != 0 || got.Polls != 2 {
			t.Errorf("the state is %+v", got)
		}
	})
}

func TestFailingPollsBackOffAndGoOn(t *testing.T) {
	aws := newFakeAWS(web)
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		throttled := &lsapi.Error{Code: lsapi.CodeThrottled, RetryAfter: 2 * time.Second}
		aws.change(func() { aws.fail = func([]lsapi.MemberID) error { return throttled } })
		f := follow(t, p, web)
		if got := code(t, f, 5*time.Minute); got != lsapi.CodeTimeout {
			t.Errorf("while polls fail, it ends with %q", got)
		}
		polls := aws.asked(web, false)
		for i := range polls[1:] {
			gap, want := polls[i+1].at.Sub(polls[i].at), min(2*time.Second<<i, 30*time.Second)+aws.latency
			if gap != want {
				t.Errorf("try %d was %v after the one before, want %v", i+2, gap, want)
			}
		}
		if got := p.Stats(); got.Failures != len(polls) || got.Polls != len(polls) || got.Followed != 1 {
			t.Errorf("after %d failures the state is %+v", len(polls), got)
		}
		aws.change(func() { aws.fail = nil })
		next(t, f, time.Now())
		aws.forget()
		next(t, f, next(t, f, time.Now()).AsOf)
		if polls := aws.asked(web, false); polls[1].at.Sub(polls[0].at) != 2*time.Second {
			t.Error("it does not go on as before")
		}
	})
}

func TestDeletedLoadBalancerEndsTheWait(t *testing.T) {
	aws := newFakeAWS(web)
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		f, drain := p.Follow(web), p.FollowDrain(web, two, time.Time{}, 0)
		defer f.Close()
		defer drain.Close()
		next(t, f, time.Now().Add(-1))
		aws.change(func() { delete(aws.members, web) })
		p.Detached(web, instance(two))
		for _, f := range []*health.Follower{f, drain, p.Follow(web)} {
			if got := code(t, f, time.Minute); got != lsapi.CodeNotFound {
				t.Errorf("it ends with %q", got)
			}
			f.Close()
		}
		aws.forget()
		time.Sleep(time.Minute)
		if polls := aws.polls(web); polls > 0 {
			t.Errorf("it is polled %d times all the same", polls)
		}
		aws.change(func() { aws.members[web] = map[lsapi.MemberID]lsapi.HealthState{three: lsapi.InService} })
		again := follow(t, p, web)
		if got := said(next(t, again, time.Now().Add(-1)), three); got != "InService" || len(aws.asked(web, true)) > 0 {
			t.Errorf("of one that was created under its name it is said: %s, and it is asked about those of the other", got)
		}
	})
}

func TestFollowersOfManyAreSlowedDownToTheRate(t *testing.T) {
	pools := manyNames(60)
	aws := newFakeAWS(pools...)
	o := health.Options{AWS: aws, PerSecond: func() float64 { return 4 }}
	inBubble(t, o, func(t *testing.T, p *health.Poller) {
		var followers []*health.Follower
		for _, pool := range pools {
			followers = append(followers, p.Follow(pool))
		}
		time.Sleep(time.Minute)
		aws.forget()
		time.Sleep(10 * time.Minute)
		if got := aws.requests(); got > 4*600 || got < 2*600 {
			t.Errorf("in ten minutes %d requests, where 4 a second are allowed", got)
		}
		report := next(t, followers[0], time.Now())
		for _, f := range followers[1:] {
			f.Close()
		}
		alone := time.Now()
		if next(t, followers[0], report.AsOf); time.Since(alone) > 11*time.Second {
			t.Errorf("when it is followed alone, it takes %v for that to count", time.Since(alone))
		}
		aws.forget()
		time.Sleep(time.Minute)
		if got := aws.polls(pools[0]); got < 29 || got > 31 {
			t.Errorf("the last that is followed is polled %d times a minute", got)
		}
		followers[0].Close()
	})
}

func TestConcurrentPollsAreBounded(t *testing.T) {
	pools := manyNames(100)
	aws := newFakeAWS(pools...)
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		for _, pool := range pools {
			follow(t, p, pool)
		}
		synctest.Wait()
		if got := aws.requests(); got != 16 {
			t.Errorf("%d are asked at once", got)
		}
	})
}

func TestTooManyLoadBalancersAreRejected(t *testing.T) {
	aws := newFakeAWS()
	aws.latency = time.Second
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		for _, pool := range manyNames(3100) {
			follow(t, p, pool)
		}
		f := follow(t, p, lsapi.ELB("one-more"))
		if got := code(t, f, time.Second); got != lsapi.CodeThrottled {
			t.Errorf("one more is %q", got)
		}
		if _, err := p.Recent(t.Context(), lsapi.ELB("one-more"), 0); lsapi.ErrorCode(err) != lsapi.CodeThrottled {
			t.Errorf("one more is %v", err)
		}
	})
}

func TestCloseEndsWaitsAndPolls(t *testing.T) {
	aws := newFakeAWS(web, lsapi.ELB("api"))
	aws.latency = 5 * time.Second
	synctest.Test(t, func(t *testing.T) {
		p := newPoller(health.Options{AWS: aws, Replicas: (&board{}).replica(), Pools: func() []lsapi.PoolID { return []lsapi.PoolID{web, lsapi.ELB("api")} }})
		p.Start()
		p.Watch(lsapi.PoolID{})
		f := follow(t, p, web)
		var done sync.WaitGroup
		done.Go(func() {
			if got := code(t, f, time.Hour); got != lsapi.CodeUnavailable {
				t.Errorf("the follower gets %q", got)
			}
		})
		done.Go(func() {
			if _, err := p.Recent(t.Context(), web, 0); lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
				t.Errorf("the query gets %v", err)
			}
		})
		time.Sleep(time.Second)
		began := time.Now()
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
		done.Wait()
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v", took)
		}
		late := follow(t, p, web)
		if got := code(t, late, time.Hour); got != lsapi.CodeUnavailable {
			t.Errorf("a late follower gets %q", got)
		}
	})
}

func TestCloseReportsThatItsContextEndedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		p := newPoller(health.Options{AWS: stubborn{newFakeAWS(lsapi.ELB("web")), end}})
		p.Start()
		follow(t, p, web)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Close(ctx); err == nil {
			t.Error("nothing is said")
		}
		close(end)
	})
}

// stubborn is an AWS that answers when it likes.
type stubborn struct {
	*fakeAWS
	end <-chan struct{}
}

func (s stubborn) Health(context.Context, lsapi.PoolID) (lsapi.PoolRead, bool, error) {
	<-s.end
	return lsapi.PoolRead{}, false, nil
}
