package snapshot

import (
	"context"
	"time"

	"lsapi"
	"lsapi/internal/background"
	"lsapi/internal/coalesce"
)

// New returns an empty Snapshot.
func New(o Options) *Snapshot {
	work, now := background.New(), time.Now()
	s := &Snapshot{
		o: o, facts: facts{known: make(map[string]fact)}, locations: locations{slots: make(map[string][]*slot)}, started: now, epoch: now.Add(-farPast),
		wake:    make(chan struct{}, 1),
		failing: background.NewOutage(work, o.Log, "AWS cannot be read; answers grow older", "AWS can be read again"),
		partition: background.NewOutage(work, o.Log, "the other replicas cannot be reached; this one refreshes for itself",
			"the other replicas can be reached again"),
		work: work, base: work.Context(),
	}
	reads := coalesce.Options{Calls: maxNamedReads, Timeout: namedTimeout, Waiting: maxWaitedFor}
	s.named = coalesce.New(work, reads, withoutValue(s.readOne))
	s.searched = coalesce.New(work, coalesce.Options{Calls: maxSearchReads, Timeout: namedTimeout}, withoutValue(s.readOne))
	s.catchUps = coalesce.New(work, coalesce.Options{Calls: maxCatchUps, Timeout: catchUpTimeout}, withoutValue(s.catchUp))
	s.slots.Store(new(map[lsapi.PoolID]*slot))
	s.refreshed.Store(new(make(chan struct{})))
	s.bound.Store(int64(o.MaxStaleness))
	s.polledBound.Store(int64(o.MaxStaleness))
	return s
}

// Expect adds pools that existed before the start. The first listing that lacks one has
// it read by name, and the Observer receives it if it does not exist.
func (s *Snapshot) Expect(pools []lsapi.PoolID) { s.slotsFor(pools...) }

// Start starts the refreshes. The first read triggers the first one.
func (s *Snapshot) Start() {
	s.work.Go(func(context.Context) { s.refreshForever() })
}

// Close cancels the refreshes and reads in progress. It returns when they have ended, or
// with an error when ctx ends first.
func (s *Snapshot) Close(ctx context.Context) error { return s.work.Close(ctx) }
