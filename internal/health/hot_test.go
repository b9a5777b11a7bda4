package health_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/health"
)

// polledPools are pools to poll for their members: some all the time, one in each sweep.
type polledPools struct {
	mu    sync.Mutex
	hot   []lsapi.PoolID
	every time.Duration
	cold  lsapi.PoolID
}

func (p *polledPools) Hot() ([]lsapi.PoolID, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hot, p.every
}

func (p *polledPools) NextToSweep() (lsapi.PoolID, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cold, time.Second
}

func (p *polledPools) set(hot ...lsapi.PoolID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hot = hot
}

// Two replicas with the same hot pool and the same cold one make the calls of one, and both
// receive the reports.
func TestReplicasShareThePollsForMembers(t *testing.T) {
	hot, cold := lsapi.TG("hot"), lsapi.TG("cold")
	for _, replicas := range []int{1, 2} {
		aws, b := newFakeAWS(hot, cold), new(board)
		aws.whole = true
		synctest.Test(t, func(t *testing.T) {
			received := make([]map[lsapi.PoolID]int, replicas)
			var pollers []*health.Poller
			var own atomic.Int64
			for i := range replicas {
				received[i] = make(map[lsapi.PoolID]int)
				p := newPoller(health.Options{
					AWS: aws, Replicas: b.replica(), Polled: &polledPools{hot: []lsapi.PoolID{hot}, every: 5 * time.Second, cold: cold},
				})
				var mu sync.Mutex
				p.Listen(func(report lsapi.HealthReport, isOwn bool) {
					mu.Lock()
					defer mu.Unlock()
					received[i][report.Pool]++
					if isOwn {
						own.Add(1)
					}
				})
				p.Start()
				pollers = append(pollers, p)
			}
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			if n := own.Load(); n < 120+25 || n > 130+31 { // every 5 s, and every 20 s
				t.Errorf("%d replicas make %d polls", replicas, n)
			}
			for i, pools := range received {
				if pools[hot] < 110 || pools[cold] < 25 {
					t.Errorf("replica %d of %d receives %v", i, replicas, pools)
				}
			}
			for _, p := range pollers {
				if err := p.Close(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestPoolThatIsNoLongerHotIsNotPolled(t *testing.T) {
	hot := lsapi.TG("hot")
	aws, pools := newFakeAWS(hot), &polledPools{every: 5 * time.Second}
	aws.whole = true
	inBubble(t, health.Options{AWS: aws, Polled: pools}, func(t *testing.T, p *health.Poller) {
		count := func() int {
			time.Sleep(time.Minute)
			before := aws.requests()
			time.Sleep(time.Minute)
			return aws.requests() - before
		}
		if n := count(); n != 0 {
			t.Errorf("%d polls before it is hot", n)
		}
		pools.set(hot)
		if n := count(); n < 11 || n > 13 {
			t.Errorf("%d polls a minute, want one every 5 s", n)
		}
		pools.set()
		if n := count(); n != 0 {
			t.Errorf("%d polls when it is no longer hot", n)
		}
	})
}
