package health

import (
	"context"
	"time"

	"lsapi"
	"lsapi/internal/background"
)

// New returns a Poller that polls nothing yet.
func New(o Options) *Poller {
	work := background.New()
	return &Poller{
		o: o, loops: make(map[lsapi.PoolID]*loop), watched: make(map[lsapi.PoolID]int),
		hot:       make(map[lsapi.PoolID]bool),
		drains:    drains{since: make(map[lsapi.PoolID]map[lsapi.MemberID]time.Time)},
		wakeWatch: make(chan struct{}, 1), wakeListen: make(chan struct{}, 1),
		slots: make(chan struct{}, maxPolls),
		partition: background.NewOutage(work, o.Log, "the other replicas cannot be reached; this one polls health for itself",
			"the other replicas can be reached again; health is polled once for all"),
		sweeping: background.NewOutage(work, o.Log, "pools that are not read cannot be polled; their members grow older", "pools that are not read can be polled again"),
		work:     work, base: work.Context(),
	}
}

// Start starts to receive the reports of the other replicas.
func (p *Poller) Start() {
	p.work.Go(func(context.Context) { p.watchForever() })
	if p.o.Polled != nil {
		p.work.Go(p.sweepForever)
	}
	if p.o.Replicas != nil {
		p.work.Go(p.listenForever)
	}
}

// Close cancels the polls in progress, and all waits with CodeUnavailable. It returns
// when they have ended, or with an error when ctx ends first.
func (p *Poller) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closing = true
	for _, l := range p.loops {
		l.end(errStopping())
	}
	p.mu.Unlock()
	return p.work.Close(ctx)
}
