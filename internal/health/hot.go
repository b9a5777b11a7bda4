package health

import (
	"context"
	"time"

	"lsapi"
)

// refreshHot begins to poll the pools that have become hot, and ends the polls of the others.
func (p *Poller) refreshHot() {
	if p.o.Polled == nil {
		return
	}
	pools, every := p.o.Polled.Hot()
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.hot
	p.hot, p.hotEvery = make(map[lsapi.PoolID]bool, len(pools)), every
	for _, pool := range pools {
		l, err := p.loop(pool)
		if err != nil {
			continue // until there is room
		}
		p.hot[pool] = true
		if !before[pool] {
			l.wake()
		}
	}
	for pool := range before {
		if l := p.loops[pool]; l != nil && !p.hot[pool] {
			l.wake()
		}
	}
}

// sweepForever polls one by one the pools that are not hot.
func (p *Poller) sweepForever(ctx context.Context) {
	for ctx.Err() == nil {
		began := time.Now()
		pool, pause := p.o.Polled.NextToSweep()
		if !pool.IsZero() {
			p.sweep(ctx, pool)
		}
		select {
		case <-time.After(pause - time.Since(began)):
		case <-ctx.Done():
		}
	}
}

// claimSweep reports whether this replica polls the pool. If the claim fails, it does.
func (p *Poller) claimSweep(ctx context.Context, pool lsapi.PoolID) bool {
	if p.o.Replicas == nil {
		return true
	}
	claiming, cancel := context.WithTimeout(ctx, replicaTimeout)
	defer cancel()
	given, err := p.o.Replicas.ClaimHealth(claiming, pool, sweepClaim)
	if ctx.Err() != nil {
		return false
	}
	p.partition.Note(err)
	return given || err != nil
}

// sweep polls a pool once, for the listeners and the other replicas, unless another replica
// has just done so.
func (p *Poller) sweep(ctx context.Context, pool lsapi.PoolID) {
	if !p.claimSweep(ctx, pool) {
		return
	}
	asking, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	began := time.Now()
	read, whole, err := p.o.Background.Health(asking, pool)
	if ctx.Err() != nil || lsapi.ErrorCode(err) == lsapi.CodeNotFound {
		return // the next listing finds out whether it exists
	}
	if p.sweeping.Note(err); err != nil {
		return
	}
	p.publish(ctx, newReport(pool, read, whole, began))
}
