// Package membership is the use case: list the members of a load balancer,
// attach an instance to it, detach one from it.
//
// Each load balancer that is being changed has a lane, its only writer. What
// waits in a lane while a call to AWS is in flight goes out together in the
// next one. A lane's work is done in rounds:
//
//	take what waits -> read afresh -> settle what was open -> decide in arrival
//	order -> record intents -> at most one register and one deregister ->
//	record outcomes -> answer
//
// AWS has no conditional writes, so that exactly one of several attaches of an
// instance succeeds is decided here: by the fresh read, with the lane's own
// recent changes laid over it for as long as AWS's reads may lag behind them.
package membership

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"lsapi"
	"lsapi/internal/background"
)

// AWS is what the use case needs of the cloud. Calls return when their context
// ends, at the latest.
type AWS interface {
	// Members returns the ids of the load balancer's members; CodeNotFound when
	// there is no such load balancer.
	Members(ctx context.Context, loadBalancer string) ([]string, error)
	// Instances returns what EC2 knows of the instances, by id. Ids that it does
	// not know are absent.
	Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error)
	// Register makes the instances members, all or none, and returns AWS's id of
	// the request, as far as there is one. It asks for permission before each
	// attempt. CodeInvalid: one of them is why none
	// became a member. An error that is Ambiguous leaves open whether they did, or
	// will.
	Register(ctx context.Context, loadBalancer string, ids []string, permit lsapi.BeforeAttempt) (awsRequestID string, err error)
	// Deregister ends their membership, with Register's errors.
	Deregister(ctx context.Context, loadBalancer string, ids []string, permit lsapi.BeforeAttempt) (awsRequestID string, err error)
}

// Observer is told what the lanes do, for metrics.
type Observer interface {
	// Batch tells of a register or deregister call of so many instances.
	Batch(action string, size int)
	// Change tells of a change that was sent, and of its outcome.
	Change(action, outcome string)
}

// Options tune a Service. The zero value of a field means its default.
type Options struct {
	// Record is where changes are recorded. Default: they are not.
	Record Record
	// Recorded returns what Record has last been told of the health of the load
	// balancer's members and of those that it is draining, by instance, with Record's
	// errors. Default: health is not recorded.
	Recorded func(ctx context.Context, loadBalancer string) (map[string]lsapi.MemberHealth, error)
	// Log gets a line for each change that was sent to AWS. Default: none.
	Log *slog.Logger
	// CallTimeout bounds each step that asks AWS, its retries included.
	// Default: DefaultCallTimeout.
	CallTimeout time.Duration
	// OverlayWindow is by how much AWS's reads are assumed to lag behind its
	// writes, at most. Default: DefaultOverlayWindow.
	OverlayWindow time.Duration
	// Exists returns CodeNotFound for a load balancer that certainly does not
	// exist, by what is known already: then invented names start no lane. It may
	// wait for as long as ctx lets it. Default: every name may exist.
	Exists func(ctx context.Context, loadBalancer string) error
	// Applied is told of the changes of a round that took effect, before their
	// callers are answered, so that what they read next shows them. Default:
	// nobody is.
	Applied func(loadBalancer string, attached, detached []lsapi.Instance)
	// Observer is told what the lanes do. Default: nobody is.
	Observer Observer
}

// Stats is the state of a Service.
type Stats struct {
	Lanes   int // load balancers that are being changed, or were a moment ago
	Waiting int // requests that wait for their turn
	Deepest int // those of the lane in which most wait
}

// Service lists and changes memberships. It is safe for concurrent use. Start
// lets it take up what the record has, Close ends it.
type Service struct {
	aws      AWS
	record   Record
	recorded func(ctx context.Context, loadBalancer string) (map[string]lsapi.MemberHealth, error)
	log      *slog.Logger
	call     time.Duration
	window   time.Duration
	exists   func(ctx context.Context, loadBalancer string) error
	applied  func(loadBalancer string, attached, detached []lsapi.Instance)
	observe  Observer

	work *background.Group // of the lanes and the hearings
	base context.Context   // of work: ends when Close can wait no longer

	mu        sync.Mutex // guards what follows, the lanes' queues and their overlays
	lanes     map[string]*lane
	seen      map[string]sight               // what was last seen of each load balancer, and is on record
	gone      map[string]time.Time           // when a read began that did not find a load balancer, until that is on record
	hearings  map[string]*lsapi.HealthReport // of load balancers whose health is being compared: what comes next
	lingering map[string]lingering           // members of which their load balancer says nothing
	away      time.Time                      // until then the record is left alone with what readers see
	closing   bool

	stopping chan struct{} // closed when closing is set
}

// New returns a Service that asks aws.
func New(aws AWS, o Options) *Service {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.CallTimeout == 0 {
		o.CallTimeout = DefaultCallTimeout
	}
	if o.OverlayWindow == 0 {
		o.OverlayWindow = DefaultOverlayWindow
	}
	if o.Exists == nil {
		o.Exists = func(context.Context, string) error { return nil }
	}
	if o.Applied == nil {
		o.Applied = func(string, []lsapi.Instance, []lsapi.Instance) {}
	}
	if o.Observer == nil {
		o.Observer = unobserved{}
	}
	if o.Record == nil {
		o.Record = forgetful{}
	}
	work := background.New()
	return &Service{
		aws: aws, record: o.Record, recorded: o.Recorded, log: o.Log, call: o.CallTimeout, window: o.OverlayWindow,
		exists: o.Exists, applied: o.Applied, observe: o.Observer,
		work: work, base: work.Context(),
		lanes: make(map[string]*lane), seen: make(map[string]sight), gone: make(map[string]time.Time),
		hearings: make(map[string]*lsapi.HealthReport), lingering: make(map[string]lingering),
		stopping: make(chan struct{}),
	}
}

// remembers reports whether there is a record.
func (s *Service) remembers() bool { return s.record != forgetful{} }

// Change attaches or detaches an instance and returns what EC2 knows of it, and
// whether the record knows of the change. It waits for its turn in the load
// balancer's lane. ctx decides how long the caller waits: a request that was not
// sent to AWS by then is withdrawn, one that was sent goes on.
//
// Errors:
//   - CodeNotFound: no such load balancer.
//   - CodeInvalid: attach of an instance that EC2 does not know or that does not
//     run, or AWS refuses the instance.
//   - CodeConflict: the membership already is as asked.
//   - CodeThrottled: AWS throttles, the lane is full, or the Service is closing.
//     Nothing changed.
//   - CodeTimeout: ctx ended, or the outcome cannot be known. The message says
//     whether the change was sent.
//   - CodeUnavailable: the change could not be recorded. Nothing changed.
//   - CodeForbidden, CodeUpstream: AWS refuses lsapi or fails. Nothing changed.
func (s *Service) Change(ctx context.Context, r lsapi.Request) (lsapi.Result, error) {
	if err := s.exists(ctx, r.LoadBalancer); err != nil {
		return lsapi.Result{}, err
	}
	waiting := newRequest(ctx, r)
	if err := s.enqueue(waiting); err != nil {
		return lsapi.Result{}, err
	}
	select {
	case answer := <-waiting.answer:
		return answer.result, answer.err
	case <-ctx.Done():
		return waiting.leave()
	}
}

// enqueue puts the request into its load balancer's lane and starts the lane
// when there is none. A lane whose first read finds no such load balancer ends
// with it, so names that do not exist hold nothing.
func (s *Service) enqueue(r *request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return errClosing()
	}
	l, ok := s.lanes[r.LoadBalancer]
	if !ok {
		if len(s.lanes) >= maxLanes {
			return errFull("too many load balancers are being changed at once")
		}
		l = s.startLane(r.LoadBalancer)
	}
	return l.push(r)
}

// startLane starts the load balancer's lane, which must have something to do, or
// it ends at once. The caller holds mu.
func (s *Service) startLane(loadBalancer string) *lane {
	l := newLane(s, loadBalancer)
	s.lanes[loadBalancer] = l
	s.work.Go(func(context.Context) { l.run() }) //nolint:contextcheck // the Service keeps the same context
	return l
}

// Overlay lays the load balancer's recent changes over ids, the members that a
// read from began on found: AWS may not show them yet.
func (s *Service) Overlay(loadBalancer string, ids []string, began time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.overlaid(loadBalancer, ids, began)
}

// overlaid is Overlay for a caller that holds mu.
func (s *Service) overlaid(loadBalancer string, ids []string, began time.Time) []string {
	if l, ok := s.lanes[loadBalancer]; ok {
		return l.overlay.over(ids, began.Add(-s.window))
	}
	return ids
}

// Close refuses new changes and lets the lanes finish theirs, including the
// settling of calls whose outcome is open. When ctx ends first, calls in flight
// are abandoned, what waits is refused, and what is open is logged as unknown.
// The error says that it was cut short.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	if !s.closing {
		s.closing = true
		close(s.stopping)
	}
	for _, l := range s.lanes {
		l.signal()
	}
	s.mu.Unlock()

	return s.work.Drain(ctx)
}

// Stats looks at every lane.
func (s *Service) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := Stats{Lanes: len(s.lanes)}
	for _, l := range s.lanes {
		stats.Waiting += len(l.queue)
		stats.Deepest = max(stats.Deepest, len(l.queue))
	}
	return stats
}

// unobserved is the Observer when nobody is.
type unobserved struct{}

func (unobserved) Batch(string, int)     {}
func (unobserved) Change(string, string) {}

// asking returns the context of a step that asks AWS. It belongs to the lane and
// not to a caller: a call that was sent goes on when its caller has left.
func (s *Service) asking() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.base, s.call)
}

// recording is asking for the record.
func (s *Service) recording() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.base, recordTimeout)
}

// factsOf returns the instance's facts, of which only the id is known when EC2
// no longer knows it.
func factsOf(facts map[string]lsapi.Instance, id string) lsapi.Instance {
	if instance, ok := facts[id]; ok {
		return instance
	}
	return lsapi.Instance{ID: id}
}
