package snapshot

import (
	"sync/atomic"
	"time"

	"lsapi"
	"lsapi/internal/background"
)

// listing is the listing of a kind of pool, which fails and ages by itself.
type listing struct {
	kind     lsapi.Kind
	listed   atomic.Int64 // the begin of the last whole one, as a stamp
	pools    atomic.Int64 // the number in it
	bound    atomic.Int64 // the maximum age of an answer: MaxStaleness, or more for many pools
	oldest   atomic.Int64 // the maximum age of a fresh answer since the last refresh
	achieved atomic.Int64 // the same between the two refreshes before
	gaveUp   atomic.Int64 // when a reader last gave up waiting for a refresh, as a stamp
	failure  atomic.Pointer[listingFailure]

	failing, denied *background.Outage // of refreshes: at most one is under way

	wake chan struct{} // holds one: a refresh may be due

	// The rest is owned by the refresh loop.
	recent    []time.Duration              // durations of the last listings
	followed  followed                     // the last one of another replica
	published map[lsapi.PoolID]publication // the last one of this replica, by pool
	warned    time.Time                    // when a stretched bound was last logged
}

// listingFailure is the result of the last refresh, if that has failed.
type listingFailure struct {
	code   lsapi.Code
	denied bool
}

// followed is the last listing received from the leader.
type followed struct {
	version int64
	all     map[lsapi.PoolID]lsapi.Pool
}

// publication is the last published membership of a pool, and its origin.
type publication struct {
	lsapi.Membership
	origin origin
}

func newListing(kind lsapi.Kind, o Options, work *background.Group) *listing {
	log := o.Log.With("kind", kind)
	l := &listing{
		kind: kind, wake: make(chan struct{}, 1),
		failing: background.NewOutage(work, log, "AWS cannot list pools; answers grow older", "AWS can list pools again"),
		denied:  background.NewOutage(work, log, "AWS denies the listing of pools; they are not shown", "AWS permits the listing of pools again"),
	}
	l.bound.Store(int64(o.MaxStaleness))
	return l
}

// isListed reports whether the last whole listing is within the bound.
func (s *Snapshot) isListed(l *listing, now time.Time) bool {
	return now.Sub(s.at(l.listed.Load())) <= time.Duration(l.bound.Load())
}

func (s *Snapshot) wasListedSince(l *listing, since time.Time) bool {
	return l.listed.Load() >= s.stamp(since)
}

// isListingWithinErrorBound reports whether the last whole listing may be served while AWS
// cannot be read.
func (s *Snapshot) isListingWithinErrorBound(l *listing) bool {
	return time.Since(s.at(l.listed.Load())) <= max(s.o.MaxStaleOnError, time.Duration(l.bound.Load()))
}

// stateOf returns the state of a listing.
func (s *Snapshot) stateOf(l *listing) lsapi.KindListing {
	state := lsapi.KindListing{Kind: l.kind, Served: s.isListingWithinErrorBound(l)}
	if listed := l.listed.Load(); listed != 0 {
		state.AsOf = s.at(listed)
	}
	if failure := l.failure.Load(); failure != nil {
		state.Failure, state.Denied = failure.code, failure.denied
	}
	return state
}

// fails reports whether the last refresh has failed.
func (l *listing) fails() bool { return l.failure.Load() != nil }

// noteOutcome takes the result of a refresh, nil for a success. It wakes the waits for a
// listing when refreshes begin to fail.
func (s *Snapshot) noteOutcome(l *listing, err error, denied bool) {
	if err == nil {
		l.failure.Store(nil)
		l.failing.Note(nil)
		l.denied.Note(nil)
		return
	}
	outage, other := l.failing, l.denied
	if denied {
		outage, other = other, outage
	}
	other.Forget()
	outage.Note(err)
	if l.failure.Swap(&listingFailure{lsapi.ErrorCode(err), denied}) == nil {
		s.announce()
	}
}

// forgetOutcome makes the next reader wait for the result of a new refresh.
func (l *listing) forgetOutcome() {
	l.failure.Store(nil)
	l.failing.Forget()
	l.denied.Forget()
}
