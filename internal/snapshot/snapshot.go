// Package snapshot is the read model: what AWS said of every load balancer of
// the region, kept in memory and encoded once, so that a read costs a lookup.
//
// AWS is asked at a rate that the fleet's size and the freshness bound set,
// never the number of readers. One loop lists the region page by page; a reader
// for whom that is not fresh enough has its load balancer read by name, in a
// flight that everybody shares who came before it began. Each answer carries the
// time at which the asking began, and is never replaced by an older one.
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
)

// AWS is what the snapshot needs of the cloud. Every call, and every page of a
// listing, ends within some seconds, by an error if need be.
type AWS interface {
	// LoadBalancers lists the region page by page. An error is the last pair.
	LoadBalancers(ctx context.Context) iter.Seq2[[]lsapi.Pool, error]
	// Members returns the members of one load balancer; CodeNotFound when there
	// is no such load balancer.
	Members(ctx context.Context, loadBalancer string) ([]string, error)
	// Instances returns what EC2 knows of the instances, by id.
	Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error)
	// AllInstances lists the region's instances page by page. An error is the
	// last pair.
	AllInstances(ctx context.Context) iter.Seq2[[]lsapi.Instance, error]
}

// Options tune a Snapshot.
type Options struct {
	// AWS is asked by refreshes, Named for readers who wait.
	AWS, Named AWS
	// Encode turns members into their representation. What it sets AsOf to does
	// not matter.
	Encode func([]lsapi.Instance) lsapi.EncodedList
	// Overlay lays changes that AWS may not show yet over the ids that were read
	// from began on.
	Overlay func(loadBalancer string, ids []string, began time.Time) []string
	// CatchUp makes Overlay know what others have changed of a load balancer until
	// now. It is called before a reader of fresh data is answered, after that reader
	// came. Default: there are no others.
	CatchUp func(ctx context.Context, loadBalancer string) error
	// Saw is told what each read has found that began then, before readers are
	// shown it. It must not change ids. Default: nobody is.
	Saw func(loadBalancer string, ids []string, began time.Time)
	// Gone is told that a read that began then has not found a load balancer that was
	// shown. Default: nobody is.
	Gone func(loadBalancer string, began time.Time)
	// Replicas are the other processes that serve the same region. Default: there
	// are none.
	Replicas Replicas
	// Log gets a line when reading begins to fail, and when it works again.
	Log *slog.Logger
	// Observe is told of each refresh: the error's code, empty for none, and how
	// long it took. Default: nobody is.
	Observe func(code lsapi.Code, took time.Duration)
	// MaxStaleness bounds the age of an answer.
	MaxStaleness time.Duration
	// MaxStaleOnError bounds it when AWS cannot be read.
	MaxStaleOnError time.Duration
	// IdleAfter is how long nobody has to read for the refreshes to stop.
	IdleAfter time.Duration
}

// Snapshot serves reads from memory. Start starts its refreshes, Close ends
// them. It is safe for concurrent use.
type Snapshot struct {
	o       Options
	facts   facts
	started time.Time
	epoch   time.Time // long before started; see stamp

	slots    atomic.Pointer[map[string]*slot] // replaced when a load balancer comes or goes
	listed   atomic.Int64                     // when the asking for the last whole listing began, as a stamp
	bound    atomic.Int64                     // how old an answer may be now: MaxStaleness, or what a large fleet allows
	oldest   atomic.Int64                     // the age of the oldest answer served as fresh since the last refresh
	achieved atomic.Int64                     // the same between the two refreshes before
	lastRead atomic.Int64                     // when somebody last read, as a stamp
	resumed  atomic.Int64                     // when somebody first read after nobody had for a while, as a stamp
	inVain   atomic.Int64                     // when a reader last lost patience, as a stamp
	renewing atomic.Bool                      // instance facts are being asked for again

	failing *background.Outage // of refreshes
	apart   *background.Outage // of the other replicas

	refreshed atomic.Pointer[chan struct{}] // closed and replaced after a listing, and after a refresh that failed

	mu      sync.Mutex         // guards what follows, and the replacing of slots
	waiting map[string]*flight // by load balancer; not begun
	queue   []*flight          // those of waiting that may begin, in order
	flying  map[string]bool    // load balancers with a flight under way
	readers int                // goroutines that read by name

	recent   []time.Duration // how long the last listings took; the refreshing goroutine's own
	followed followed        // what others have published; likewise
	told     map[string]told // what was published last; likewise
	warned   time.Time       // when a stretched bound was last told; likewise
	swept    time.Time       // when unused facts were last looked for; likewise

	wake     chan struct{} // holds one: a refresh is wanted now
	catchUps chan struct{} // one for each look into the record

	work *background.Group
	base context.Context // of work
}

// New returns a Snapshot that knows nothing yet.
func New(o Options) *Snapshot {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Replicas == nil {
		o.Replicas = alone{}
	}
	if o.CatchUp == nil {
		o.CatchUp = func(context.Context, string) error { return nil }
	}
	if o.Saw == nil {
		o.Saw = func(string, []string, time.Time) {}
	}
	if o.Gone == nil {
		o.Gone = func(string, time.Time) {}
	}
	if o.Observe == nil {
		o.Observe = func(lsapi.Code, time.Duration) {}
	}
	work, now := background.New(), time.Now()
	s := &Snapshot{
		o: o, facts: facts{known: make(map[string]fact)}, started: now, epoch: now.Add(-farPast),
		waiting:  make(map[string]*flight),
		flying:   make(map[string]bool),
		wake:     make(chan struct{}, 1),
		catchUps: make(chan struct{}, maxCatchUps),
		failing:  background.NewOutage(work), apart: background.NewOutage(work),
		work: work, base: work.Context(),
	}
	s.slots.Store(new(map[string]*slot))
	s.refreshed.Store(new(make(chan struct{})))
	s.bound.Store(int64(o.MaxStaleness))
	return s
}

// Expect names load balancers that there were when somebody last looked. The first
// listing that lacks one has it read by name, and Gone is called if it does not exist.
func (s *Snapshot) Expect(loadBalancers []string) { s.slotsFor(loadBalancers...) }

// Start starts the refreshes. The first happens when somebody reads.
func (s *Snapshot) Start() {
	s.work.Go(func(context.Context) { s.refreshForever() })
}

// Close ends the refreshes and the reads under way, and waits until they have ended.
// Its error says that ctx ended before that.
func (s *Snapshot) Close(ctx context.Context) error { return s.work.Close(ctx) }
