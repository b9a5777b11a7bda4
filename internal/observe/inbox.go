// Package observe passes what reads and polls found to the lanes, so that the record gets
// what lsapi's own changes do not explain: memberships that other tools changed, pools
// that were deleted, and the health of members.
//
// Readers put in and never wait. Lanes take out, compare with the record under their
// lease, and report what is on record. After that, the same finding costs a comparison in
// memory and no look at the record.
package observe

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"lsapi"
	"lsapi/internal/background"
)

const (
	// maxPending bounds the pools with findings for a lane. The next refresh or poll
	// repeats what does not fit.
	maxPending = 500

	// pause is the time during which an unavailable record is left alone.
	pause = 2 * time.Second

	// readLifetime is the time between the beginning of a read and its report, at most.
	readLifetime = time.Minute

	// recordTimeout bounds a read of the record.
	recordTimeout = 5 * time.Second
)

// Overlay holds recent changes; see package overlay.
type Overlay interface {
	// Over lays them over the ids that a read from began on returned.
	Over(pool lsapi.PoolID, ids []lsapi.MemberID, began time.Time) []lsapi.MemberID
	// Invalidate voids those before then.
	Invalidate(pool lsapi.PoolID, then time.Time)
}

// Record returns the health that is on record, by instance.
type Record interface {
	Health(ctx context.Context, pool lsapi.PoolID) (map[lsapi.MemberID]lsapi.MemberHealth, error)
}

// Inbox holds findings for the lanes, bounded, by pool. It is safe for
// concurrent use.
type Inbox struct {
	overlay Overlay
	record  Record
	log     *slog.Logger
	work    *background.Group // the comparisons of health

	mu        sync.Mutex // guards what follows
	wake      func(pool lsapi.PoolID)
	pending   map[lsapi.PoolID]Pending
	last      map[lsapi.PoolID]recorded            // the last observation, if it is on record
	gone      map[lsapi.PoolID]time.Time           // when a read began that found no such pool, until that is on record
	deleted   map[lsapi.PoolID]time.Time           // when the last read began that found no such pool, for readLifetime
	reports   map[lsapi.PoolID]*lsapi.HealthReport // by pool under comparison: its next report
	stale     map[lsapi.PoolID]staleMembers
	resumesAt time.Time // the record is left alone before
	closed    bool
}

// Pending are the findings for a lane.
type Pending struct {
	// Members are the last observations of the members, at most two, and these differ: the
	// record needs both ends of the interval in which the members changed.
	Members []Observation
	// Health may be nil.
	Health *lsapi.HealthReport
}

// IsEmpty reports whether there are no findings.
func (p Pending) IsEmpty() bool { return len(p.Members) == 0 && p.Health == nil }

// New returns an empty Inbox. A nil log discards.
func New(overlay Overlay, record Record, log *slog.Logger) *Inbox {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Inbox{
		overlay: overlay, record: record, log: log, work: background.New(),
		wake:    func(lsapi.PoolID) {},
		pending: make(map[lsapi.PoolID]Pending), last: make(map[lsapi.PoolID]recorded), gone: make(map[lsapi.PoolID]time.Time), deleted: make(map[lsapi.PoolID]time.Time),
		reports: make(map[lsapi.PoolID]*lsapi.HealthReport), stale: make(map[lsapi.PoolID]staleMembers),
	}
}

// Notify sets the function that is called when a pool has findings. It must not wait.
func (i *Inbox) Notify(wake func(pool lsapi.PoolID)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.wake = wake
}

// Take returns the findings of a pool and removes them.
func (i *Inbox) Take(pool lsapi.PoolID) Pending {
	i.mu.Lock()
	defer i.mu.Unlock()
	p := i.pending[pool]
	delete(i.pending, pool)
	return p
}

// Close ends the comparisons, and takes in nothing more. Its error says that ctx ended
// first.
func (i *Inbox) Close(ctx context.Context) error {
	i.mu.Lock()
	i.closed = true
	i.mu.Unlock()
	return i.work.Close(ctx)
}

// BackOff leaves the record alone for a while if err says that it is unavailable.
func (i *Inbox) BackOff(err error) {
	if lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.resumesAt = time.Now().Add(pause)
}

// isOpen reports whether findings are taken in. The caller holds mu.
func (i *Inbox) isOpen() bool { return !i.closed && !time.Now().Before(i.resumesAt) }

// put adds a finding, if add returns true, and notifies the lane.
func (i *Inbox) put(pool lsapi.PoolID, add func(*Pending) bool) {
	i.mu.Lock()
	p, ok := i.pending[pool]
	news := add(&p) && (ok || len(i.pending) < maxPending)
	if news {
		i.pending[pool] = p
	}
	wake := i.wake
	i.mu.Unlock()
	if news {
		wake(pool)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Observation is what a read of a pool found.
type Observation struct {
	IDs         []lsapi.MemberID
	Incarnation string           // empty if unknown
	Began       time.Time        // when the read began
	Gone        bool             // there is no such pool
	Members     []lsapi.MemberID // IDs under the recent changes
}

// recorded is an observation that is on record.
type recorded struct {
	Observation
	end lsapi.ChainEnd // an end of the log that says the same
}

// staleMembers are members that their pool does not report any more.
type staleMembers struct {
	ids   map[lsapi.MemberID]bool
	until time.Time
}
