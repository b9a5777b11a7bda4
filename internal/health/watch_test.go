package health_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/health"
)

func manyNames(n int) []lsapi.PoolID {
	pools := make([]lsapi.PoolID, n)
	for i := range pools {
		pools[i] = lsapi.ELB(fmt.Sprintf("elb-%d", i))
	}
	return pools
}

func TestWatchedLoadBalancerIsPolledLessOften(t *testing.T) {
	aws := newFakeAWS(web, lsapi.ELB("api"))
	var mu sync.Mutex
	var seen []lsapi.HealthReport
	o := health.Options{AWS: newFakeAWS(), Background: aws, Observer: observe(func(r lsapi.HealthReport) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r)
	})}
	inBubble(t, o, func(t *testing.T, p *health.Poller) {
		end, endOther := p.Watch(web), p.Watch(web)
		time.Sleep(time.Minute - time.Second)
		if polls := aws.polls(web); polls != 6 {
			t.Errorf("in a minute it is polled %d times", polls)
		}
		mu.Lock()
		if len(seen) != 6 || said(seen[5], one) != "InService" || seen[5].Pool != web {
			t.Errorf("to be recorded there are %+v", seen)
		}
		mu.Unlock()
		if got := p.Stats(); got.Watched != 1 || got.Followed != 0 {
			t.Errorf("the state is %+v", got)
		}
		end()
		end()
		aws.forget()
		time.Sleep(time.Minute)
		if polls := aws.polls(web); polls != 6 {
			t.Errorf("when one of two has left, it is polled %d times a minute", polls)
		}
		endOther()
		aws.forget()
		time.Sleep(time.Hour)
		if aws.requests() > 0 || p.Stats().Watched != 0 {
			t.Errorf("without watchers, there are %d requests", aws.requests())
		}
	})
}

func TestWatcherOfAllFollowsCreationAndDeletion(t *testing.T) {
	aws := newFakeAWS(web, lsapi.ELB("api"))
	var mu sync.Mutex
	pools := []lsapi.PoolID{web}
	o := health.Options{AWS: aws, Pools: func() []lsapi.PoolID {
		mu.Lock()
		defer mu.Unlock()
		return pools
	}}
	inBubble(t, o, func(t *testing.T, p *health.Poller) {
		end := p.Watch(lsapi.PoolID{})
		time.Sleep(time.Second)
		if aws.polls(web) != 1 || aws.polls(lsapi.ELB("api")) != 0 {
			t.Errorf("at once there are %d and %d polls", aws.polls(web), aws.polls(lsapi.ELB("api")))
		}
		mu.Lock()
		pools = []lsapi.PoolID{lsapi.ELB("api")}
		mu.Unlock()
		time.Sleep(5 * time.Second)
		aws.forget()
		time.Sleep(time.Minute)
		if aws.polls(web) != 0 || aws.polls(lsapi.ELB("api")) != 6 {
			t.Errorf("later there are %d and %d polls a minute", aws.polls(web), aws.polls(lsapi.ELB("api")))
		}
		aws.change(func() { delete(aws.members, lsapi.ELB("api")) }) // and it is listed for a while
		time.Sleep(20 * time.Second)
		mu.Lock()
		pools = nil
		mu.Unlock()
		time.Sleep(5 * time.Second)
		if aws.forget(); p.Stats().Watched != 0 {
			t.Errorf("the state is %+v", p.Stats())
		}
		end()
		time.Sleep(time.Hour)
		if aws.requests() > 0 {
			t.Errorf("there are %d requests without watchers", aws.requests())
		}
	})
}

// A watcher of all that ends and begins again gets a poll at once, although a load
// balancer is watched by name meanwhile.
func TestWatcherOfAllThatReturnsGetsAPoll(t *testing.T) {
	aws := newFakeAWS(web, lsapi.ELB("api"))
	o := health.Options{AWS: aws, Pools: func() []lsapi.PoolID { return []lsapi.PoolID{lsapi.ELB("api"), web} }}
	inBubble(t, o, func(t *testing.T, p *health.Poller) {
		defer p.Watch(web)()
		end := p.Watch(lsapi.PoolID{})
		time.Sleep(time.Minute)
		end()
		time.Sleep(5 * time.Second)
		if got := p.Stats(); got.Watched != 1 {
			t.Errorf("when one is watched by name, the state is %+v", got)
		}
		time.Sleep(time.Minute)
		aws.forget()
		defer p.Watch(lsapi.PoolID{})()
		time.Sleep(11 * time.Second)
		if aws.polls(lsapi.ELB("api")) == 0 {
			t.Error("a load balancer is not polled although all are watched again")
		}
	})
}

// One load balancer more than the bound allows takes nothing from the others.
func TestWatchKeepsItsBalancersBeyondTheBound(t *testing.T) {
	const most = 2325
	pools := manyNames(3100)
	aws := newFakeAWS(append([]lsapi.PoolID{lsapi.ELB("more")}, pools...)...)
	var mu sync.Mutex
	o := health.Options{AWS: aws, Pools: func() []lsapi.PoolID {
		mu.Lock()
		defer mu.Unlock()
		return pools
	}}
	inBubble(t, o, func(t *testing.T, p *health.Poller) {
		defer p.Watch(lsapi.PoolID{})()
		time.Sleep(time.Second)
		if got := p.Stats().Watched; got != most {
			t.Errorf("%d load balancers are watched, want %d", got, most)
		}
		mu.Lock()
		pools = append([]lsapi.PoolID{lsapi.ELB("more")}, pools...)
		mu.Unlock()
		time.Sleep(5 * time.Second)
		if got := p.Stats().Watched; got != most {
			t.Errorf("with one more there are %d, want %d", got, most)
		}
		if got := code(t, follow(t, p, pools[len(pools)-1]), time.Minute); got != "" {
			t.Errorf("a wait for one that is not polled is %q", got)
		}
	})
}

func TestWatchIntervalsStretchToTheRate(t *testing.T) {
	pools := manyNames(300)
	aws := newFakeAWS(pools...)
	o := health.Options{AWS: aws, PerSecond: func() float64 { return 4 }, Pools: func() []lsapi.PoolID { return pools }}
	inBubble(t, o, func(t *testing.T, p *health.Poller) {
		defer p.Watch(lsapi.PoolID{})()
		follow(t, p, pools[0])
		for minute := range 20 {
			aws.forget()
			time.Sleep(time.Minute)
			if got := aws.requests(); got > 4*60 || got < 60 {
				t.Errorf("in minute %d there were %d requests, where 4 a second are allowed", minute, got)
			}
			if got := aws.polls(pools[0]); got < 29 || got > 31 {
				t.Errorf("in minute %d the followed one was polled %d times", minute, got)
			}
		}
		polled := make(map[lsapi.PoolID]bool)
		aws.forget()
		time.Sleep(5*time.Minute + time.Second)
		aws.change(func() {
			for _, c := range aws.calls {
				polled[c.pool] = true
			}
		})
		if len(polled) != len(pools) {
			t.Errorf("of %d only %d had their turn", len(pools), len(polled))
		}
	})
}
