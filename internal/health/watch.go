package health

import (
	"sync"
	"time"
)

// Watch has a load balancer polled now and then because somebody watches its
// events, until end is called. The empty name is all that are known.
func (p *Poller) Watch(loadBalancer string) (end func()) {
	p.watch(loadBalancer, 1)
	return sync.OnceFunc(func() { p.watch(loadBalancer, -1) })
}

// watch counts those who watch.
func (p *Poller) watch(loadBalancer string, more int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	signal(p.wakeListen)
	if loadBalancer == "" {
		if p.all += more; p.all == 0 {
			p.unlist()
		}
		signal(p.wakeWatch)
		return
	}
	p.watched[loadBalancer] += more
	if p.watched[loadBalancer] == 0 {
		delete(p.watched, loadBalancer)
		if b := p.balancers[loadBalancer]; b != nil {
			b.hurry()
		}
		return
	}
	if b, err := p.balancer(loadBalancer); err == nil {
		b.hurry()
	} // else it is too much to watch for now, and tried again
	signal(p.wakeWatch)
}

// watchForever looks for load balancers that come and go while they are watched.
func (p *Poller) watchForever() {
	for {
		var tick <-chan time.Time
		if p.lookForNames() {
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

// lookForNames has those load balancers polled that are watched and exist. It
// reports whether any is watched.
func (p *Poller) lookForNames() bool {
	if !p.watches() {
		return false
	}
	names := p.o.Names()
	p.mu.Lock()
	defer p.mu.Unlock()
	listed := make(map[string]bool, len(names))
	var fresh []*balancer
	for _, name := range names {
		listed[name] = true
		if p.all == 0 && p.watched[name] == 0 {
			continue
		}
		b, err := p.balancer(name)
		if err != nil {
			continue // it is watched when there is room
		}
		if p.all > 0 && !b.listed {
			b.listed = true
			fresh = append(fresh, b)
		}
		b.recount(b.cost)
	}
	for name, b := range p.balancers {
		if !listed[name] {
			b.listed = false
			b.recount(b.cost)
		}
	}
	p.spread(fresh)
	return true
}

// spread has load balancers polled one after the other, over the interval that
// they will have. The caller holds mu.
func (p *Poller) spread(fresh []*balancer) {
	_, interval := p.pace()
	now := time.Now()
	for i, b := range fresh {
		b.watchFrom = now.Add(interval * time.Duration(i) / time.Duration(len(fresh)))
		signal(b.wake)
	}
}

// watches reports whether anybody watches.
func (p *Poller) watches() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all > 0 || len(p.watched) > 0
}

// unlist forgets which load balancers were polled when all were watched: those who
// watch all again begin anew. The caller holds mu.
func (p *Poller) unlist() {
	for _, b := range p.balancers {
		if b.listed {
			b.listed = false
			b.hurry()
		}
	}
}
