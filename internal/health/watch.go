package health

import (
	"sync"
	"time"

	"lsapi"
)

// Watch polls a pool for a watcher of its events until end is called. The zero id stands
// for all pools.
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
		if l := p.loops[pool]; l != nil {
			l.wake()
		}
		return
	}
	if l, err := p.loop(pool); err == nil {
		l.wake()
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

// refreshPools polls the pools that are watched and exist. It reports whether any is
// watched.
func (p *Poller) refreshPools() bool {
	if !p.isWatching() {
		return false
	}
	pools := p.o.Pools()
	p.mu.Lock()
	defer p.mu.Unlock()
	listed := make(map[lsapi.PoolID]bool, len(pools))
	var fresh []*loop
	for _, pool := range pools {
		listed[pool] = true
		if p.watched[pool] == 0 && (p.all == 0 || p.loops[pool] == nil && len(p.loops) >= maxWatchedByAll) {
			continue
		}
		l, err := p.loop(pool)
		if err != nil {
			continue // until there is room
		}
		if p.all > 0 && !l.listed {
			l.listed = true
			fresh = append(fresh, l)
		}
		l.recount(l.cost)
	}
	for pool, l := range p.loops {
		if !listed[pool] {
			l.listed = false
			l.recount(l.cost)
		}
	}
	p.spread(fresh)
	return true
}

// spread distributes the first polls over one interval. The caller holds mu.
func (p *Poller) spread(fresh []*loop) {
	_, interval := p.pace()
	now := time.Now()
	for i, l := range fresh {
		l.watchFrom = now.Add(interval * time.Duration(i) / time.Duration(len(fresh)))
		signal(l.woken)
	}
}

// isWatching reports whether there are watchers.
func (p *Poller) isWatching() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all > 0 || len(p.watched) > 0
}

// unlist ends the polls for watchers of all pools. The caller holds mu.
func (p *Poller) unlist() {
	for _, l := range p.loops {
		if l.listed {
			l.listed = false
			l.wake()
		}
	}
}
