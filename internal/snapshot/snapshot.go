// Package snapshot is the read model: the memberships of all load balancers of the region,
// in memory and encoded once, so that a read costs a lookup.
//
// The fleet's size and the freshness bound determine the rate of AWS calls, not the number
// of readers. One loop lists the region page by page. A reader that needs fresher data
// shares one read of its load balancer by name with all readers that came before the read
// began. Each entry has the time at which its request began, and is never replaced by an
// older one.
package snapshot

import (
	"context"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"lsapi"
	"lsapi/internal/background"
	"lsapi/internal/coalesce"
)

// AWS reads the cloud. Every call, and every page of a listing, ends within some seconds.
type AWS interface {
	// LoadBalancers lists the region page by page. An error is the last pair.
	LoadBalancers(ctx context.Context) iter.Seq2[[]lsapi.Pool, error]
	// Members returns the members of a load balancer. CodeNotFound: it does not exist.
	Members(ctx context.Context, pool lsapi.PoolID) ([]lsapi.MemberID, error)
	// Instances returns the instances that exist, by id.
	Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error)
	// AllInstances lists the region's instances page by page. An error is the
	// last pair.
	AllInstances(ctx context.Context) iter.Seq2[[]lsapi.Instance, error]
}

// Overlay holds the recent changes, which AWS may not show yet.
type Overlay interface {
	// Over lays them over the ids that a read from began on returned.
	Over(pool lsapi.PoolID, ids []lsapi.MemberID, began time.Time) []lsapi.MemberID
	// CatchUp adds the changes of other replicas until now. Each fresh read calls it
	// before it returns.
	CatchUp(ctx context.Context, pool lsapi.PoolID) error
	// CatchUpAll does the same for all load balancers.
	CatchUpAll(ctx context.Context) error
}

// Observer receives what reads found.
type Observer interface {
	// Observe receives the result of each read, and when it began, before readers do. It
	// must not modify ids.
	Observe(pool lsapi.PoolID, ids []lsapi.MemberID, began time.Time)
	// ObserveGone receives each load balancer that existed and that a read from began on
	// did not find.
	ObserveGone(pool lsapi.PoolID, began time.Time)
}

// Metrics counts refreshes.
type Metrics interface {
	// Refresh counts one by its error code, empty for none, and its duration.
	Refresh(code lsapi.Code, took time.Duration)
}

// Options configure a Snapshot. All but Replicas are required.
type Options struct {
	// AWS serves refreshes, Named the reads that callers wait for.
	AWS, Named AWS
	// Encode encodes members. The Snapshot sets AsOf.
	Encode   func([]lsapi.Instance) lsapi.EncodedList
	Overlay  Overlay
	Observer Observer
	Metrics  Metrics
	// Replicas are the other replicas. Default: none.
	Replicas Replicas
	// Log receives a line when refreshes begin to fail and when they succeed again.
	Log *slog.Logger
	// MaxStaleness bounds the age of an answer.
	MaxStaleness time.Duration
	// MaxStaleOnError bounds it when AWS cannot be read.
	MaxStaleOnError time.Duration
	// IdleAfter is the time without reads after which refreshes stop.
	IdleAfter time.Duration
}

// Snapshot serves reads from memory. It is safe for concurrent use.
type Snapshot struct {
	o       Options
	facts   facts
	started time.Time
	epoch   time.Time // long before started; see stamp

	slots    atomic.Pointer[map[lsapi.PoolID]*slot] // replaced when a load balancer is created or deleted
	listed   atomic.Int64                           // the begin of the last whole listing, as a stamp
	bound    atomic.Int64                           // the maximum age of an answer: MaxStaleness, or more for a large fleet
	oldest   atomic.Int64                           // the maximum age of a fresh answer since the last refresh
	achieved atomic.Int64                           // the same between the two refreshes before
	lastRead atomic.Int64                           // of the last read, as a stamp
	resumed  atomic.Int64                           // of the first read after an idle time, as a stamp
	gaveUp   atomic.Int64                           // when a reader last gave up waiting for a refresh, as a stamp
	renewing atomic.Bool                            // expired instance facts are being looked up

	failing   *background.Outage // of refreshes
	partition *background.Outage // of the other replicas

	refreshed atomic.Pointer[chan struct{}] // closed and replaced after a listing, and after a refresh that failed

	mu       sync.Mutex                              // guards the replacement of slots
	named    *coalesce.Group[lsapi.PoolID, struct{}] // reads of one load balancer by name
	catchUps *coalesce.Group[lsapi.PoolID, struct{}]

	recent    []time.Duration              // durations of the last listings; owned, like the next four, by the refresh loop
	followed  followed                     // the last listing of another replica
	published map[lsapi.PoolID]publication // the last listing of this one, by load balancer
	warned    time.Time                    // when a stretched bound was last logged
	swept     time.Time                    // when unused facts were last dropped

	wake chan struct{} // holds one: a refresh may be due
	work *background.Group
	base context.Context // of work
}

// New returns an empty Snapshot.
func New(o Options) *Snapshot {
	if o.Replicas == nil {
		o.Replicas = singleReplica{}
	}
	work, now := background.New(), time.Now()
	s := &Snapshot{
		o: o, facts: facts{known: make(map[string]fact)}, started: now, epoch: now.Add(-farPast),
		wake:    make(chan struct{}, 1),
		failing: background.NewOutage(work, o.Log, "AWS cannot be read; answers grow older", "AWS can be read again"),
		partition: background.NewOutage(work, o.Log, "the other replicas cannot be reached; this one refreshes for itself",
			"the other replicas can be reached again"),
		work: work, base: work.Context(),
	}
	reads := coalesce.Options{Calls: maxNamedReads, Timeout: namedTimeout, Waiting: maxWaitedFor}
	s.named = coalesce.New(work, reads, withoutValue(s.readOne))
	s.catchUps = coalesce.New(work, coalesce.Options{Calls: maxCatchUps, Timeout: catchUpTimeout}, withoutValue(s.catchUp))
	s.slots.Store(new(map[lsapi.PoolID]*slot))
	s.refreshed.Store(new(make(chan struct{})))
	s.bound.Store(int64(o.MaxStaleness))
	return s
}

// Expect adds load balancers that existed before the start. The first listing that lacks
// one has it read by name, and the Observer receives it if it does not exist.
func (s *Snapshot) Expect(pools []lsapi.PoolID) { s.slotsFor(pools...) }

// Start starts the refreshes. The first read triggers the first one.
func (s *Snapshot) Start() {
	s.work.Go(func(context.Context) { s.refreshForever() })
}

// Close cancels the refreshes and reads in progress. It returns when they have ended, or
// with an error when ctx ends first.
func (s *Snapshot) Close(ctx context.Context) error { return s.work.Close(ctx) }
