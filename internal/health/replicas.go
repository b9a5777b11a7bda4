package health

import (
	"context"
	"time"

	"lsapi"
)

// reached logs when the other replicas cannot be reached, and when they can again.
func (p *Poller) reached(err error) {
	switch begins, ends := p.apart.Note(err); {
	case begins:
		p.o.Log.Warn("the other replicas cannot be reached; health is asked for this one alone", "error", err)
	case ends:
		p.o.Log.Info("the other replicas can be reached again; health is asked for all")
	}
}

// claim reports whether this process is to poll now. When that cannot be found out,
// it is: each process then asks AWS for itself, within its share of the budget.
func (b *balancer) claim(ctx context.Context, every time.Duration) bool {
	p := b.poller
	if p.o.Replicas == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, replicaTimeout)
	defer cancel()
	given, err := p.o.Replicas.ClaimHealth(ctx, b.name, every-every/claimShare)
	if p.base.Err() != nil {
		return false
	}
	p.reached(err)
	if given || err != nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	b.claimAt = time.Now().Add(max(every, followEvery) / claimPauseShare)
	return false
}

// publish shows a report to the other replicas.
func (p *Poller) publish(ctx context.Context, report lsapi.HealthReport) {
	if p.o.Replicas == nil {
		return
	}
	publishing, cancel := context.WithTimeout(ctx, replicaTimeout)
	defer cancel()
	p.reached(p.o.Replicas.PublishHealth(publishing, report))
}

// listenForever takes in what other replicas have found, while anybody here wants
// to know.
func (p *Poller) listenForever(ctx context.Context) {
	var heard int64
	for ctx.Err() == nil {
		if !p.wanted() {
			select {
			case <-p.wakeListen:
				continue
			case <-ctx.Done():
				return
			}
		}
		version, err := p.listen(ctx, heard)
		heard = version
		if err == nil {
			continue
		}
		select {
		case <-time.After(listenPause):
		case <-ctx.Done():
			return
		}
	}
}

// listen takes in the reports that come next, if any come soon, and returns the
// version up to which that is done.
func (p *Poller) listen(ctx context.Context, heard int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, listenFor)
	defer cancel()
	reports, version, err := p.o.Replicas.PublishedHealth(ctx, heard)
	if ctx.Err() != nil && err != nil {
		return heard, nil
	}
	p.reached(err)
	if err != nil {
		return heard, err
	}
	for _, report := range reports {
		p.take(report)
	}
	return version, nil
}

// take takes in another replica's report.
func (p *Poller) take(report lsapi.HealthReport) {
	p.mu.Lock()
	b, err := p.balancer(report.LoadBalancer)
	fresh := false
	if err == nil { // else nobody here can want it
		if now := time.Now(); report.AsOf.After(now) {
			report.AsOf = now // clocks differ
		}
		fresh = report.AsOf.Sub(b.report.AsOf) > sameReport
	}
	p.mu.Unlock()
	if fresh {
		b.adopt(report, true)
	}
}

// wanted reports whether anybody follows, watches or asks.
func (p *Poller) wanted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats.Followers+p.asks+p.all+len(p.watched) > 0
}
