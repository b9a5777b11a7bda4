// Package membership is the use case: attach members to a pool, detach them from it.
//
// Each pool with changes has a lane, its only writer. Requests that wait in a lane while
// a call to AWS is in flight go out together in the next one. A lane works in rounds:
//
//	take requests -> read afresh -> settle open changes -> decide in arrival order ->
//	record intents -> deregister, register -> record outcomes -> show -> answer
//
// AWS has no conditional writes. That exactly one of several attaches of a member succeeds
// is decided here, by the fresh read with the recent changes laid over it. A call
// that AWS refuses for one of its members is repeated without it, a bounded number of times.
//
// Dependencies point one way: Service, lane, round, its parts (queue, openChanges, plan,
// journal, sender), values. What the parts have in common is in shared.
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

// Options are the parts that a Service works with, and its bounds. Record, Overlay and
// Inbox are required.
type Options struct {
	// Record stores the changes.
	Record Record
	// Overlay holds the recent changes. It calls its listeners with the changes of a
	// round that took effect before their callers are answered.
	Overlay *overlay.Overlay
	// Inbox has the findings of reads and polls.
	Inbox *observe.Inbox
	// Log gets a line for each change that was sent to AWS. Default: none.
	Log *slog.Logger
	// CallTimeout bounds each step that calls AWS, including retries. Default:
	// DefaultCallTimeout.
	CallTimeout time.Duration
	// Pools resolves the members of requests. Default: each is as requested, and every pool
	// may exist.
	Pools Pools
	// Guards has the rules of pools. Default: none.
	Guards Guards
	// Metrics counts what the lanes do. Default: nothing is counted.
	Metrics Metrics
}

// Pools are the known pools.
type Pools interface {
	// Resolve returns the ids that the members of a request, which may be none, have in their
	// pool, and the incarnation of the pool if one has its port. It returns CodeNotFound for a
	// pool that certainly does not exist, so that invented names start no lane. It may wait
	// until ctx ends.
	Resolve(ctx context.Context, pool lsapi.PoolID, members []lsapi.MemberID) (resolved []lsapi.MemberID, portOf string, err error)
}

// anyPools resolves every member to itself.
type anyPools struct{}

func (anyPools) Resolve(_ context.Context, _ lsapi.PoolID, members []lsapi.MemberID) ([]lsapi.MemberID, string, error) {
	return members, "", nil
}

// Stats is the state of a Service.
type Stats struct {
	Lanes   int // pools with current or recent changes
	Waiting int // callers in the queues
	Deepest int // callers in the longest queue
}

// Service changes memberships. It is safe for concurrent use. Start begins to settle what
// other processes left open, Close ends it.
type Service struct {
	*shared
	pools Pools
	work  *background.Group // of the lanes
	stop  context.CancelFunc

	mu      sync.Mutex // guards what follows
	lanes   map[lsapi.PoolID]*lane
	closing bool
}

// New returns a Service that calls aws.
func New(aws AWS, o Options) *Service {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.CallTimeout == 0 {
		o.CallTimeout = DefaultCallTimeout
	}
	if o.Pools == nil {
		o.Pools = anyPools{}
	}
	if o.Guards == nil {
		o.Guards = noGuards{}
	}
	if o.Metrics == nil {
		o.Metrics = noMetrics{}
	}
	work := background.New()
	stopping, stop := context.WithCancel(work.Context())
	s := &Service{
		shared: &shared{
			aws: aws, record: o.Record, overlay: o.Overlay, inbox: o.Inbox, guards: o.Guards, metrics: o.Metrics, log: o.Log,
			call: o.CallTimeout, base: work.Context(), stopping: stopping,
		},
		pools: o.Pools, work: work, stop: stop, lanes: make(map[lsapi.PoolID]*lane),
	}
	s.inbox.Notify(s.wake)
	return s
}

// Change attaches or detaches a member and returns its id in the pool, EC2's description of its
// instance, and whether the change is on record. ctx bounds the wait of the caller: a request
// that was not decided by then is withdrawn, one that was decided goes on. A dry run has no
// error if the change would be sent to AWS; it is never on record.
//
// Errors:
//   - CodeNotFound: no such pool.
//   - CodeNotChangeable: the members of the pool are never changed.
//   - CodeInvalid: EC2 does not know the instance to attach, it does not run, or AWS
//     refuses it.
//   - CodeConflict: the membership already is as requested.
//   - CodeSuperseded: later changes of the member came after the one to undo.
//   - CodePrecondition: the members of the pool are not as IfMatch requires. The message has
//     their version. Nothing changed.
//   - CodeMinInService, CodeMinPerZone, CodeMaxOut, CodeKeepLast, CodeFreeze: a guard
//     refuses it. A GuardRefusal is in the chain.
//   - CodeHealthUnknown, CodeTagsUnknown: no guard can judge it. Nothing changed.
//   - CodeThrottled: AWS throttles, the lane is full, or the Service is closing.
//     Nothing changed.
//   - CodeTimeout: ctx ended, or the outcome is unknown. The message says whether the
//     change was sent.
//   - CodeUnavailable: the change could not be recorded, or the pool was made again under
//     its name and its port is not known yet. Nothing changed.
//   - CodeForbidden, CodeUpstream: AWS refuses lsapi or fails. Nothing changed.
func (s *Service) Change(ctx context.Context, r lsapi.Request) (lsapi.Result, error) {
	resolved, portOf, err := s.pools.Resolve(ctx, r.Pool, []lsapi.MemberID{r.Member})
	if err != nil {
		return lsapi.Result{Member: r.Member}, err
	}
	r.Member = resolved[0]
	c := newCaller(ctx, r, portOf)
	if err := s.await(c); err != nil {
		return lsapi.Result{Member: r.Member}, err
	}
	return c.resultOfOne()
}

// await waits until the caller has its answer, or its time is up.
func (s *Service) await(c *caller) error {
	if err := s.enqueue(c); err != nil {
		return err
	}
	select {
	case <-c.done:
		return c.err
	case <-c.ctx.Done():
		return c.leave()
	}
}

// enqueue puts the caller into its pool's lane, which it starts if there is none. A
// lane whose first read finds no such pool ends with it.
func (s *Service) enqueue(c *caller) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return errClosing()
	}
	l, ok := s.lanes[c.Pool]
	if !ok {
		if len(s.lanes) >= maxLanes {
			return errFull("too many pools are being changed at once")
		}
		l = s.startLane(c.Pool)
	}
	if err := l.queue.push(c); err != nil {
		return err
	}
	l.signal()
	return nil
}

// wake makes the pool's lane look at the inbox, and starts it if there is room.
func (s *Service) wake(pool lsapi.PoolID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.lanes[pool]
	switch {
	case s.closing:
		return
	case !ok && len(s.lanes) >= maxObservedLanes:
		return // the next finding tries again
	case !ok:
		l = s.startLane(pool)
	}
	l.signal()
}

// startLane starts the pool's lane. The caller holds mu, and signals the lane before
// it releases mu.
func (s *Service) startLane(pool lsapi.PoolID) *lane {
	l := newLane(s.shared, pool)
	s.lanes[pool] = l
	s.work.Go(func(context.Context) {
		for ended := false; !ended; ended = s.remove(l) {
			l.run() //nolint:contextcheck // shared has the same context
		}
	})
	return l
}

// remove ends a lane that has nothing to do, unless it was signalled meanwhile.
func (s *Service) remove(l *lane) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.takeSignal() && !s.closing {
		return false
	}
	delete(s.lanes, l.pool)
	return true
}

// Close rejects new changes and lets the lanes finish theirs, including the settlement of
// open ones. When ctx ends first, calls in flight are abandoned, waiting requests are
// rejected, open changes are logged as unknown, and the error says so.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	s.stop()
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
		waiting := l.queue.len()
		stats.Waiting += waiting
		stats.Deepest = max(stats.Deepest, waiting)
	}
	return stats
}
