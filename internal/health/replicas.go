package health

import (
	"context"
	"time"

	"lsapi"
)

// listenForever receives the reports of other replicas while callers need them.
func (p *Poller) listenForever(ctx context.Context) {
	var received int64
	for ctx.Err() == nil {
		if !p.isWanted() {
			select {
			case <-p.wakeListen:
				continue
			case <-ctx.Done():
				return
			}
		}
		version, err := p.listen(ctx, received)
		received = version
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

// listen waits a while for reports after a version, and returns the version that it has
// received.
func (p *Poller) listen(ctx context.Context, received int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, listenFor)
	defer cancel()
	reports, version, err := p.o.Replicas.PublishedHealth(ctx, received)
	if ctx.Err() != nil && err != nil {
		return received, nil
	}
	p.partition.Note(err)
	if err != nil {
		return received, err
	}
	for _, report := range reports {
		p.receive(report)
	}
	return version, nil
}

// receive receives another replica's report.
func (p *Poller) receive(report lsapi.HealthReport) {
	if now := time.Now(); report.AsOf.After(now) {
		report.AsOf = now // clocks differ
	}
	p.notifyAll(report, false)
	p.mu.Lock()
	l := p.loops[report.Pool]
	if l == nil && !report.Whole { // for later; a whole one is with the listeners
		l, _ = p.loop(report.Pool)
	}
	fresh := l != nil && report.AsOf.Sub(l.report.AsOf) > sameReport
	p.mu.Unlock()
	if fresh {
		l.adopt(report, true)
	}
}

// isWanted reports whether there are followers, watchers or queries, or pools that are polled
// for their members.
func (p *Poller) isWanted() bool {
	if p.o.Polled != nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats.Followers+p.queries+p.all+len(p.watched) > 0
}
