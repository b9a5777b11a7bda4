package snapshot

import (
	"context"
	"slices"
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
		listings: make(map[lsapi.Kind]*listing, len(o.Kinds)),
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
	for _, kind := range o.Kinds {
		s.listings[kind] = newListing(kind, o, work)
	}
	s.polledBound.Store(int64(o.MaxStaleness))
	return s
}

// Expect adds pools that existed before the start. The first listing that lacks one has
// it read by name, and the Observer receives it if it does not exist.
func (s *Snapshot) Expect(pools []lsapi.PoolID) {
	s.slotsFor(slices.DeleteFunc(slices.Clone(pools), func(pool lsapi.PoolID) bool { return s.listings[pool.Kind] == nil })...)
}

// Start starts the refreshes. The first read triggers the first one.
func (s *Snapshot) Start() {
	for _, l := range s.listings {
		s.work.Go(func(context.Context) { s.refreshForever(l) })
	}
}

// Close cancels the refreshes and reads in progress. It returns when they have ended, or
// with an error when ctx ends first.
func (s *Snapshot) Close(ctx context.Context) error { return s.work.Close(ctx) }
