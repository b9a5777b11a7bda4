// Package health asks load balancers for the health of their members, once for all
// who want to know.
//
// Whoever waits for a member follows its load balancer. While a load balancer has
// followers it is polled at an even interval, however many they are and on however
// many replicas: of several processes one at a time has the right to poll, and
// shows all others what it has found. A load balancer whose events are watched is
// polled too, at leisure. When many are polled, the intervals grow, so that all of
// them together keep to a rate.
//
// A load balancer does not say by itself whom it is draining, so that these
// instances are asked about by their ids: those that were detached, those that an
// earlier poll has seen, and those that the record speaks of.
package health

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"lsapi"
	"lsapi/internal/background"
)

// AWS is what polls need of the cloud. Calls end when their context does, at the
// latest. CodeNotFound: there is no such load balancer.
type AWS interface {
	// Health returns what the load balancer says of its members.
	Health(ctx context.Context, loadBalancer string) ([]lsapi.MemberHealth, error)
	// HealthOf returns what it says of instances; those that are neither members nor
	// being drained are absent.
	HealthOf(ctx context.Context, loadBalancer string, ids []string) ([]lsapi.MemberHealth, error)
}

// Replicas lets one of several processes poll a load balancer for all.
type Replicas interface {
	// ClaimHealth asks for the right to poll the load balancer now. It is given unless
	// it was given to some process less than every ago.
	ClaimHealth(ctx context.Context, loadBalancer string, every time.Duration) (bool, error)
	// PublishHealth gives the others the whole report.
	PublishHealth(ctx context.Context, report lsapi.HealthReport) error
	// PublishedHealth waits for reports that were published after the version, and
	// returns the last of each load balancer, and the version of the last of all.
	// CodeTimeout: ctx ended first.
	PublishedHealth(ctx context.Context, after int64) (reports []lsapi.HealthReport, version int64, err error)
}

// Options tune a Poller. All but AWS may be left out.
type Options struct {
	// AWS is asked when somebody waits, Background when nobody does, but events are
	// watched. Default of Background: AWS.
	AWS, Background AWS
	// Replicas are the other processes that serve the same region. Default: there
	// are none.
	Replicas Replicas
	// Saw is told every report that rests on a poll of this process, so that it gets on
	// record. It must not wait, nor change the report. Default: nobody is.
	Saw func(lsapi.HealthReport)
	// Recorded returns what was last recorded of a load balancer's health, by
	// instance. Default: nothing is.
	Recorded func(ctx context.Context, loadBalancer string) (map[string]lsapi.MemberHealth, error)
	// Names returns the load balancers that are known now. Default: none are.
	Names func() []string
	// PerSecond is how many requests to AWS the polls of this process may take a
	// second, in the long run. Default: DefaultPerSecond.
	PerSecond func() float64
	// Log gets a line when a load balancer can no longer be polled, and when it can
	// again. Default: none.
	Log *slog.Logger
}

// Stats is the state of a Poller.
type Stats struct {
	// Polls counts those of this process, and Failures those of them that failed.
	Polls, Failures int
	// Followed and Watched count the load balancers that somebody waits for, and the
	// others that are polled because their events are watched.
	Followed, Watched int
	// Followers counts who follow them.
	Followers int
}

// Poller polls for all who follow, watch or ask. It is safe for concurrent use.
// Start lets it hear of its replicas and of who watches all, Close ends it.
type Poller struct {
	o Options

	mu        sync.Mutex // guards what follows, and what is in the balancers
	balancers map[string]*balancer
	load      [classes]load
	watched   map[string]int // who watch a load balancer by name
	all       int            // who watch all
	asks      int            // who ask for a recent report
	drains    drains
	stats     Stats
	closing   bool

	wakeWatch  chan struct{}      // holds one: who watches what has changed
	wakeListen chan struct{}      // holds one: somebody wants to hear of the other replicas
	slots      chan struct{}      // one for each poll under way
	apart      *background.Outage // of the other replicas

	work *background.Group
	base context.Context // of work
}

// New returns a Poller that polls nothing yet.
func New(o Options) *Poller {
	if o.Background == nil {
		o.Background = o.AWS
	}
	if o.Saw == nil {
		o.Saw = func(lsapi.HealthReport) {}
	}
	if o.Recorded == nil {
		o.Recorded = func(context.Context, string) (map[string]lsapi.MemberHealth, error) { return nil, nil }
	}
	if o.Names == nil {
		o.Names = func() []string { return nil }
	}
	if o.PerSecond == nil {
		o.PerSecond = func() float64 { return DefaultPerSecond }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	work := background.New()
	return &Poller{
		o: o, balancers: make(map[string]*balancer), watched: make(map[string]int),
		drains:    drains{known: make(map[string]map[string]time.Time)},
		wakeWatch: make(chan struct{}, 1), wakeListen: make(chan struct{}, 1),
		slots: make(chan struct{}, maxPolls),
		apart: background.NewOutage(work),
		work:  work, base: work.Context(),
	}
}

// Start begins to hear of the other replicas.
func (p *Poller) Start() {
	p.work.Go(func(context.Context) { p.watchForever() })
	if p.o.Replicas != nil {
		p.work.Go(p.listenForever)
	}
}

// Close ends the polls under way, and the waiting of whoever waits, by
// CodeUnavailable. It returns when nothing is left of them; its error says that ctx
// ended before that.
func (p *Poller) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closing = true
	for _, b := range p.balancers {
		b.end(errStopping())
	}
	p.mu.Unlock()
	return p.work.Close(ctx)
}

// Stats tells what is polled.
func (p *Poller) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	stats := p.stats
	stats.Followed, stats.Watched = p.load[followed].balancers, p.load[watched].balancers
	return stats
}

// Detached is told which instances were detached from a load balancer just now, by
// whatever process: they may be being drained. It never waits.
func (p *Poller) Detached(loadBalancer string, instances []lsapi.Instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for _, instance := range instances {
		p.drains.add(loadBalancer, instance.ID, now)
		if b := p.balancers[loadBalancer]; b != nil {
			delete(b.silent, instance.ID)
		}
	}
}

// signal puts one into a channel that holds one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func errStopping() error { return lsapi.Errorf(lsapi.CodeUnavailable, "the service is stopping") }

func errTooMany() error {
	return &lsapi.Error{Code: lsapi.CodeThrottled, Message: "too many load balancers are asked for their health", RetryAfter: retryAfter}
}
