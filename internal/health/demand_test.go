package health_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/health"
)

// Polls for waiting callers use the client with priority, the others the one in the
// background.
func TestPollsUseTheClientOfTheirPriority(t *testing.T) {
	waiting, background := newFakeAWS(web), newFakeAWS(web)
	inBubble(t, health.Options{AWS: waiting, Background: background}, func(t *testing.T, p *health.Poller) {
		check := func(what string, wait, watch int) {
			t.Helper()
			if waiting.polls(web) != wait || background.polls(web) != watch {
				t.Errorf("%s: %d polls with priority and %d in the background, want %d and %d", what, waiting.polls(web), background.polls(web), wait, watch)
			}
			waiting.forget()
			background.forget()
		}
		end := p.Watch(web)
		time.Sleep(time.Second)
		check("watched", 0, 1)
		if _, err := p.Recent(t.Context(), web, 0); err != nil {
			t.Error(err)
		}
		check("a recent report is wanted", 1, 0)
		f := p.Follow(web)
		next(t, f, time.Now())
		f.Close()
		check("followed", 1, 0)
		end()
	})
}

func TestStatsShowWatchedAndFollowedAtOnce(t *testing.T) {
	aws := newFakeAWS(web, lsapi.ELB("api"))
	var mu sync.Mutex
	pools := []lsapi.PoolID{web, lsapi.ELB("api")}
	o := health.Options{AWS: aws, Pools: func() []lsapi.PoolID {
		mu.Lock()
		defer mu.Unlock()
		return pools
	}}
	inBubble(t, o, func(t *testing.T, p *health.Poller) {
		check := func(what string, watched, followed, followers int) {
			t.Helper()
			if got := p.Stats(); got.Watched != watched || got.Followed != followed || got.Followers != followers {
				t.Errorf("%s: the state is %+v", what, got)
			}
		}
		end := p.Watch(web)
		check("one is watched", 1, 0, 0)
		time.Sleep(time.Minute)
		drain := p.FollowDrain(web, two, time.Time{}, 0)
		check("and followed", 0, 1, 1)
		drain.Close()
		check("and watched again", 1, 0, 0)
		end()
		check("and nothing", 0, 0, 0)
		endAll := p.Watch(lsapi.PoolID{})
		time.Sleep(time.Minute)
		check("all are watched", 2, 0, 0)
		p.Watch(lsapi.PoolID{})()
		check("one of two watchers of all has left", 2, 0, 0)
		mu.Lock()
		pools = pools[:1]
		mu.Unlock()
		time.Sleep(5 * time.Second)
		check("one is not there any more", 1, 0, 0)
		endAll()
		check("and nothing again", 0, 0, 0)
	})
}

func TestDrainCostsNothingAfterItsLastFollower(t *testing.T) {
	aws := newFakeAWS(web)
	inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
		f := p.FollowDrain(web, two, time.Time{}, 0)
		next(t, f, time.Time{})
		f.Close()
		aws.forget()
		time.Sleep(time.Hour)
		if got := aws.requests(); got > 0 {
			t.Errorf("there are %d requests", got)
		}
	})
}

func TestDrainIsLookedUpWhenItCanHaveEnded(t *testing.T) {
	for name, test := range map[string]struct{ since, timeout, want time.Duration }{
		"a moment ago":                {0, time.Minute, time.Second},
		"half a second ago":           {500 * time.Millisecond, time.Minute, 500 * time.Millisecond},
		"a minute ago":                {time.Minute, time.Minute, 0},
		"with a short timeout":        {0, 300 * time.Millisecond, 300 * time.Millisecond},
		"with a timeout not known":    {0, 0, time.Second},
		"in the future, clock ahead":  {-time.Hour, time.Minute, time.Second},
		"at a time that is not known": {-1, time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			aws := newFakeAWS(web)
			inBubble(t, health.Options{AWS: aws}, func(t *testing.T, p *health.Poller) {
				began := time.Now()
				since := began.Add(-test.since)
				if test.since == -1 {
					since = time.Time{}
				}
				f := p.FollowDrain(web, two, since, test.timeout)
				defer f.Close()
				if got := next(t, f, time.Time{}).AsOf.Sub(began); got != test.want {
					t.Errorf("the first poll is after %v, want %v", got, test.want)
				}
			})
		})
	}
}

// Questions about instances by their ids count as requests, too.
func TestPollsWithLookupsKeepToTheRate(t *testing.T) {
	pools := manyNames(20)
	aws := newFakeAWS(pools...)
	inBubble(t, health.Options{AWS: aws, PerSecond: func() float64 { return 1 }}, func(t *testing.T, p *health.Poller) {
		for _, pool := range pools {
			aws.draining[pool][two] = true
			p.Detached(pool, instance(two))
			follow(t, p, pool)
		}
		time.Sleep(5 * time.Minute)
		aws.forget()
		time.Sleep(10 * time.Minute)
		if got := aws.requests(); got > 600 || got < 300 {
			t.Errorf("in ten minutes there are %d requests, where one a second is allowed", got)
		}
	})
}

// A load balancer that there was no room for is watched as soon as there is.
func TestWatchedLoadBalancerIsPolledOnceThereIsRoom(t *testing.T) {
	pools := manyNames(3100)
	aws := newFakeAWS(append([]lsapi.PoolID{web}, pools...)...)
	o := health.Options{AWS: aws, Pools: func() []lsapi.PoolID { return append([]lsapi.PoolID{web}, pools...) }, PerSecond: func() float64 { return 1000 }}
	inBubble(t, o, func(t *testing.T, p *health.Poller) {
		var followers []*health.Follower
		for _, pool := range pools {
			followers = append(followers, p.Follow(pool))
		}
		defer p.Watch(web)()
		time.Sleep(time.Minute)
		if aws.polls(web) > 0 {
			t.Fatal("there is room for one more")
		}
		for _, f := range followers {
			f.Close()
		}
		time.Sleep(2 * time.Minute)
		if got := aws.polls(web); got == 0 || p.Stats().Watched != 1 {
			t.Errorf("it is polled %d times, and the state is %+v", got, p.Stats())
		}
		if got := aws.polls(pools[0]); got > 60 {
			t.Errorf("an unwatched one is polled %d times", got)
		}
	})
}

func TestWatchersOfAllGetAPollAtOnceAfterAFollower(t *testing.T) {
	aws := newFakeAWS(web)
	inBubble(t, health.Options{AWS: aws, Pools: func() []lsapi.PoolID { return []lsapi.PoolID{web} }}, func(t *testing.T, p *health.Poller) {
		f := p.Follow(web)
		next(t, f, time.Time{})
		f.Close()
		time.Sleep(12 * time.Second) // and its report is kept for longer
		aws.forget()
		defer p.Watch(lsapi.PoolID{})()
		time.Sleep(time.Second)
		if got := aws.polls(web); got != 1 {
			t.Errorf("it is polled %d times at once", got)
		}
	})
}

// Neither names nor other replicas' reports are looked for while they are of no use.
func TestIdlePollerReadsNoNames(t *testing.T) {
	aws := newFakeAWS(web)
	synctest.Test(t, func(t *testing.T) {
		r := newFaultyReplicas()
		var mu sync.Mutex
		looks := 0
		p := newPoller(health.Options{AWS: aws, Replicas: r, Pools: func() []lsapi.PoolID {
			mu.Lock()
			defer mu.Unlock()
			looks++
			return []lsapi.PoolID{web}
		}})
		p.Start()
		used := func() (names, listening bool) {
			time.Sleep(time.Minute) // until what is under way has ended
			r.faults.Lock()
			r.listening = 0
			r.faults.Unlock()
			mu.Lock()
			looks = 0
			mu.Unlock()
			time.Sleep(5 * time.Minute)
			mu.Lock()
			defer mu.Unlock()
			r.faults.Lock()
			defer r.faults.Unlock()
			return looks > 0, r.listening > 0
		}
		check := func(what string, wantNames, wantListening bool) {
			t.Helper()
			if names, listening := used(); names != wantNames || listening != wantListening {
				t.Errorf("%s: names are looked for: %t, reports: %t", what, names, listening)
			}
		}
		check("at first", false, false)
		end := p.Watch(web)
		check("while one is watched", true, true)
		end()
		check("after that", false, false)
		end = p.Watch(lsapi.PoolID{})
		check("while all are watched", true, true)
		end()
		check("after that", false, false)
		f := p.Follow(web)
		check("while one is followed", false, true)
		f.Close()
		check("after that", false, false)
		if _, err := p.Recent(t.Context(), web, 0); err != nil {
			t.Error(err)
		}
		check("after a recent report", false, false)
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestFailedPollIsNotRecorded(t *testing.T) {
	aws := newFakeAWS(web)
	aws.fail = func([]lsapi.MemberID) error { return lsapi.Errorf(lsapi.CodeUpstream, "no") }
	o := health.Options{AWS: aws, Observer: observe(func(r lsapi.HealthReport) { t.Errorf("a report %+v is recorded", r) })}
	inBubble(t, o, func(t *testing.T, p *health.Poller) {
		if _, err := p.Recent(t.Context(), web, 0); lsapi.ErrorCode(err) != lsapi.CodeUpstream {
			t.Errorf("got %v", err)
		}
	})
}

func TestLoadBalancerDeletedDuringAPollIsNotFound(t *testing.T) {
	aws := newFakeAWS(web)
	aws.fail = func(ids []lsapi.MemberID) error {
		if ids != nil {
			return lsapi.Errorf(lsapi.CodeNotFound, "no")
		}
		return nil
	}
	o := health.Options{AWS: aws, Observer: observe(func(r lsapi.HealthReport) { t.Errorf("a report %+v is recorded", r) })}
	inBubble(t, o, func(t *testing.T, p *health.Poller) {
		p.Detached(web, instance(two))
		if report, err := p.Recent(t.Context(), web, 0); lsapi.ErrorCode(err) != lsapi.CodeNotFound {
			t.Errorf("got %+v, %v", report, err)
		}
	})
}
