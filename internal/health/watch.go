package health

import (
	"sync"
	"time"

	"lsapi"
)

// Watch polls a load balancer for a watcher of its events until end is called. The empty
// name stands for all load balancers.
func (p *Poller) Watch(pool lsapi.PoolID) (end func()) {
	p.watch(pool, 1)
	return sync.OnceFunc(func() { p.watch(pool, -1) })
}

// watch adds watchers, or removes them.
func (p *Poller) watch(pool lsapi.PoolID, more int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	signal(p.wakeListen)
	if pool.IsZero() {
		if p.all += more; p.all == 0 {
			p.unlist()
		}
		signal(p.wakeWatch)
		return
	}
	p.watched[pool] += more
	if p.watched[pool] == 0 {
		delete(p.watched, pool)
		if b := p.balancers[pool]; b != nil {
			b.wake()
		}
		return
	}
	if b, err := p.balancer(pool); err == nil {
		b.wake()
	} // else refreshPools tries again
	signal(p.wakeWatch)
}

// watchForever follows the creation and deletion of watched pools, and which are hot.
func (p *Poller) watchForever() {
	for {
		var tick <-chan time.Time
		p.refreshHot()
		if p.refreshPools() || p.o.Polled != nil {
			tick = time.After(namesEvery)
		}
		select {
		case <-tick:
		case <-p.wakeWatch:
		case <-p.base.Done():
			return
		}
	}
}

// refreshPools polls the load balancers that are watched and exist. It reports whether
// any is watched.
func (p *Poller) refreshPools() bool {
	if !p.isWatching() {
		return false
	}
	pools := p.o.Pools()
	p.mu.Lock()
	defer p.mu.Unlock()
	listed := make(map[lsapi.PoolID]bool, len(pools))
	var fresh []*balancer
	for _, pool := range pools {
		listed[pool] = true
		if p.all == 0 && p.watched[pool] == 0 {
			continue
		}
		b, err := p.balancer(pool)
		if err != nil {
			continue // until there is room
		}
		if p.all > 0 && !b.listed {
			b.listed = true
			fresh = append(fresh, b)
		}
		b.recount(b.cost)
	}
	for pool, b := range p.balancers {
		if !listed[pool] {
			b.listed = false
			b.recount(b.cost)
		}
	}
	p.spread(fresh)
	return true
}

// spread distributes the first polls over one interval. The caller holds mu.
func (p *Poller) spread(fresh []*balancer) {
	_, interval := p.pace()
	now := time.Now()
	for i, b := range fresh {
		b.watchFrom = now.Add(interval * time.Duration(i) / time.Duration(len(fresh)))
		signal(b.woken)
	}
}

// isWatching reports whether there are watchers.
func (p *Poller) isWatching() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all > 0 || len(p.watched) > 0
}

// unlist ends the polls for watchers of all load balancers. The caller holds mu.
func (p *Poller) unlist() {
	for _, b := range p.balancers {
		if b.listed {
			b.listed = false
			b.wake()
		}
	}
}
