package health

import (
	"context"
	"time"

	"lsapi"
)

// claim reports whether this replica polls now. If the claim fails, it does: each replica
// then polls for itself, within its share of the budget.
func (l *loop) claim(ctx context.Context, every time.Duration) bool {
	p := l.poller
	if p.o.Replicas == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, replicaTimeout)
	defer cancel()
	given, err := p.o.Replicas.ClaimHealth(ctx, l.pool, every-every/claimShare)
	if p.base.Err() != nil {
		return false
	}
	p.partition.Note(err)
	if given || err != nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l.claimAt = time.Now().Add(max(every, followEvery) / claimPauseShare)
	return false
}

// publish passes a report of an own poll to the Observer, the listeners and the other replicas.
func (p *Poller) publish(ctx context.Context, report lsapi.HealthReport) {
	p.o.Observer.ObserveHealth(report)
	p.notifyAll(report, true)
	if p.o.Replicas == nil {
		return
	}
	publishing, cancel := context.WithTimeout(ctx, replicaTimeout)
	defer cancel()
	p.partition.Note(p.o.Replicas.PublishHealth(publishing, report))
}
