// Package snapshot is the read model: the memberships of all pools of the region, in
// memory and encoded once, so that a read costs a lookup.
//
// The fleet's size and the freshness bound determine the rate of AWS calls, not the number
// of readers. AWS lists each kind of pool by itself, and so does one loop for each, page by
// page: while the listing of one kind fails, the others stay current. A reader that needs fresher data
// shares one read of its pool by name with all readers that came before the read began.
// Each entry has the time at which its request began, and is never replaced by an older
// one.
package snapshot

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"lsapi"
	"lsapi/internal/background"
	"lsapi/internal/coalesce"
)

// Options configure a Snapshot. All but Replicas are required.
type Options struct {
	// Kinds are the kinds of pools that are served. There are no pools of others.
	Kinds []lsapi.Kind
	// Denied reports whether the error of a listing means that AWS does not permit it.
	Denied func(error) bool
	// AWS serves refreshes, Named the reads that callers wait for.
	AWS, Named AWS
	// Encode encodes the members of pools that are listed with them. The Snapshot sets AsOf.
	Encode   func([]lsapi.Member) lsapi.EncodedList
	Overlay  Overlay
	Observer Observer
	Metrics  Metrics
	// Replicas are the other replicas. Nil: there are none.
	Replicas Replicas
	// Log receives a line when refreshes begin to fail and when they succeed again.
	Log *slog.Logger
	// MaxStaleness bounds the age of an answer.
	MaxStaleness time.Duration
	// MaxStaleOnError bounds it when AWS cannot be read.
	MaxStaleOnError time.Duration
	// IdleAfter is the time without reads after which refreshes stop.
	IdleAfter time.Duration
	// PollRate returns how many pools are polled per second, at most: by this replica, and by
	// all. SweepEvery is the interval of polls of pools that are not read.
	PollRate   func() (own, all float64)
	SweepEvery time.Duration
}

// Snapshot serves reads from memory. It is safe for concurrent use.
type Snapshot struct {
	o       Options
	facts   facts
	started time.Time
	epoch   time.Time // long before started; see stamp

	listings    map[lsapi.Kind]*listing // immutable; nil for a kind that is not served
	locations   locations
	slots       atomic.Pointer[map[lsapi.PoolID]*slot] // replaced when a pool is created or deleted
	lastShown   atomic.Int64                           // about when the last read of members began that was published, as a stamp
	polledBound atomic.Int64                           // the maximum age of an answer about a pool that is polled
	lastRead    atomic.Int64                           // of the last read, as a stamp
	resumed     atomic.Int64                           // of the first read after an idle time, as a stamp
	pruned      atomic.Int64                           // when unused facts were last dropped, as a stamp
	renewing    atomic.Bool                            // expired instance facts are being looked up

	partition *background.Outage // of the other replicas

	refreshed atomic.Pointer[chan struct{}] // closed and replaced after a listing, and after a refresh that failed

	sweep sweepQueue

	mu       sync.Mutex                              // guards the replacement of slots
	named    *coalesce.Group[lsapi.PoolID, struct{}] // reads of one pool by name
	searched *coalesce.Group[lsapi.PoolID, struct{}] // the same reads, for searches and listings: these may need hundreds
	catchUps *coalesce.Group[lsapi.PoolID, struct{}]

	work *background.Group
	base context.Context // of work
}
