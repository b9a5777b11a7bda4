// Package membership is the use case: attach an instance to a load balancer, detach one
// from it.
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
	"lsapi/internal/observe"
	"lsapi/internal/overlay"
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

// Metrics counts what the lanes do.
type Metrics interface {
	// Batch counts a register or deregister call of so many instances.
	Batch(action string, size int)
	// Change counts a change that was sent, by its outcome.
	Change(action, outcome string)
}

// Options are the parts that a Service works with, and its bounds. Record, Overlay and
// Inbox are required.
type Options struct {
	// Record stores the changes.
	Record Record
	// Overlay holds the recent changes. It calls its listeners with the changes of a
	// round that took effect before their callers are answered.
	Overlay *overlay.Overlay
	// Inbox has what reads and polls found.
	Inbox *observe.Inbox
	// Log gets a line for each change that was sent to AWS. Default: none.
	Log *slog.Logger
	// CallTimeout bounds each step that asks AWS, its retries included.
	// Default: DefaultCallTimeout.
	CallTimeout time.Duration
	// Exists returns CodeNotFound for a load balancer that certainly does not
	// exist, by what is known already: then invented names start no lane. It may
	// wait for as long as ctx lets it. Default: every name may exist.
	Exists func(ctx context.Context, loadBalancer string) error
	// Metrics counts what the lanes do. Default: nothing is counted.
	Metrics Metrics
}

// Stats is the state of a Service.
type Stats struct {
	Lanes   int // load balancers that are being changed, or were a moment ago
	Waiting int // requests that wait for their turn
	Deepest int // those of the lane in which most wait
}

// Service changes memberships. It is safe for concurrent use. Start begins to settle what
// other processes left open, Close ends it.
type Service struct {
	aws     AWS
	record  Record
	overlay *overlay.Overlay
	inbox   *observe.Inbox
	log     *slog.Logger
	call    time.Duration
	exists  func(ctx context.Context, loadBalancer string) error
	metrics Metrics

	work *background.Group // of the lanes
	base context.Context   // of work: ends when Close can wait no longer

	mu      sync.Mutex // guards what follows, and the lanes' queues
	lanes   map[string]*lane
	closing bool

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
	if o.Exists == nil {
		o.Exists = func(context.Context, string) error { return nil }
	}
	if o.Metrics == nil {
		o.Metrics = noMetrics{}
	}
	work := background.New()
	s := &Service{
		aws: aws, record: o.Record, overlay: o.Overlay, inbox: o.Inbox, log: o.Log, call: o.CallTimeout,
		exists: o.Exists, metrics: o.Metrics,
		work: work, base: work.Context(),
		lanes:    make(map[string]*lane),
		stopping: make(chan struct{}),
	}
	s.inbox.Notify(s.wake)
	return s
}

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

// wake makes the load balancer's lane look at the inbox, and starts it if there is room.
func (s *Service) wake(loadBalancer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.lanes[loadBalancer]
	switch {
	case s.closing:
	case ok:
		l.signal()
	case len(s.lanes) < maxObservedLanes: // else the next finding tries again
		s.startLane(loadBalancer)
	}
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

// noMetrics counts nothing.
type noMetrics struct{}

func (noMetrics) Batch(string, int)     {}
func (noMetrics) Change(string, string) {}

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
