// Package record is the audit log of changes: each attach or detach with its actor, time,
// reason and outcome.
//
// The record has an append-only log of events for each pool. An event is stored
// as the JSON that is hashed: hash = SHA-256(previous hash || JSON), so that a noted end
// proves all events before it. Three projections are written in the same transaction: the
// changes, the current members, and their last recorded health. effectsOf alone defines
// what an event does to them; appending and verifying share it. Checkpoint events hold
// whole memberships, one at the start of each UTC day and one when the events since the
// last outgrow it: replays start there and pruning ends there.
//
// A change's id is a UUID of version 7 that holds its IntendedAt; its CompletedAt is the
// At of the event that completes it. At never decreases within a log, and is never before
// the change's IntendedAt, whatever clocks do.
//
// The package is engine-neutral: Record works on the Tables of an Engine, which the
// packages sqlite and postgres implement. Package open opens a record by its URL.
package record

import (
	"context"
	"log/slog"
	"time"

	"lsapi"
)

// Store is a record of changes, safe for concurrent use. Its errors are *lsapi.Error.
// CodeUnavailable: the database is unreachable, full or read-only, or this process is a
// standby and cannot write; nothing was recorded. CodeInternal: the events contradict the
// record. Every call returns when its context ends, even if the disk hangs.
type Store interface {
	// Acquire acquires the lease of a pool, which appending requires. It waits
	// while another process holds it.
	Acquire(ctx context.Context, pool lsapi.PoolID) (lsapi.Lease, error)
	// Renew extends a lease to its full duration. lsapi.ErrLeaseLost: another process
	// holds it.
	Renew(ctx context.Context, lease lsapi.Lease) (lsapi.Lease, error)
	// Release gives up a lease. A lost lease is no error.
	Release(ctx context.Context, lease lsapi.Lease) error
	// Append records events of the lease's pool, all or none, and returns the
	// end of the log. They are durable when it returns nil. lsapi.ErrLeaseLost: another
	// process holds the lease. CodeTimeout: it is unknown whether they were recorded; a
	// retry is safe, because recorded events are skipped.
	Append(ctx context.Context, lease lsapi.Lease, events []lsapi.Event) (lsapi.ChainEnd, error)
	// LaneState returns what the record says of a pool to its lease holder. Its
	// Applied are the changes applied within the duration before now or before the last
	// look at the membership, or after that.
	LaneState(ctx context.Context, pool lsapi.PoolID, within time.Duration) (lsapi.LaneState, error)
	// Unfinished returns the pools with open changes or changes applied within
	// the duration, sorted.
	Unfinished(ctx context.Context, within time.Duration) ([]lsapi.PoolID, error)
	// Populated returns the pools with recorded members, sorted.
	Populated(ctx context.Context) ([]lsapi.PoolID, error)

	// Change returns a change by its id; CodeNotFound when there is none.
	Change(ctx context.Context, id string) (lsapi.Change, error)
	// Changes returns the changes that match the filter, latest IntendedAt first.
	Changes(ctx context.Context, filter lsapi.ChangeFilter) ([]lsapi.Change, error)
	// Later returns the changes of the change's member in its pool that may have had an
	// effect after it: applied, external ones included, and unknown ones in the order of
	// their completion, then open ones; at most 10. CodeNotFound: it is not on record.
	// CodeSuperseded: there are none, but the pool was deleted and made again since.
	Later(ctx context.Context, change lsapi.Change) ([]lsapi.Change, error)
	// MembersAt returns the membership at a time, the zero time for the end of the
	// record. CodeNotFound: the record does not reach back to it. ErrFuture: no event
	// has a label as late, and the clock that labels is not there yet.
	MembersAt(ctx context.Context, pool lsapi.PoolID, at time.Time) (lsapi.MembershipAt, error)
	// Health returns the last recorded health of members and of those that drain, by id.
	Health(ctx context.Context, pool lsapi.PoolID) (map[lsapi.MemberID]lsapi.MemberHealth, error)
	// MemberHistory returns the history of members, by id, with an entry for each; of
	// all recorded members and all with recorded health when members is nil.
	MemberHistory(ctx context.Context, pool lsapi.PoolID, members []lsapi.MemberID) (map[lsapi.MemberID]lsapi.MemberHistory, error)
	// Events returns events of all pools behind a position in order, without
	// checkpoints, and fewer than limit only at the end. No event appears later before a
	// returned position, and those of one pool are in append order. The zero
	// Position is before the first event. CodeNotFound: events behind the position were
	// pruned. Events of lsapi versions without positions are not returned.
	Events(ctx context.Context, after lsapi.Position, limit int) ([]lsapi.RecordedEvent, error)
	// End returns the position of the last readable event, never the zero Position.
	End(ctx context.Context) (lsapi.Position, error)
	// News waits for events behind a position. CodeTimeout: the context ended first.
	News(ctx context.Context, after lsapi.Position) error
	// ChainEnds returns the ends of all logs, by pool.
	ChainEnds(ctx context.Context) ([]lsapi.ChainEnd, error)
	// Verify checks the whole record against itself and against earlier checkpoints of
	// its chains. An error means that the record could not be read.
	Verify(ctx context.Context, checkpoints []lsapi.ChainEnd) (Verification, error)

	Replicas
	Deliveries

	// Reserve reserves an idempotency key durably and returns nil, or the reservation
	// that holds it. A reservation ends after a day, or when its change failed, was
	// withdrawn or was refused by a guard. One that names a bulk ends when that is so of all
	// changes of the bulk, and there is one. The record sets At, which is returned on this
	// process's clock.
	Reserve(ctx context.Context, key lsapi.IdempotencyKey, reservation lsapi.Reservation) (taken *lsapi.Reservation, err error)
	// Free removes the change's reservation of a key, if it has one.
	Free(ctx context.Context, key lsapi.IdempotencyKey, changeID string) error

	// Ready returns nil when this process can write the record, else an error of
	// CodeUnavailable with the reason. It tries to write, and so detects a full disk.
	Ready(ctx context.Context) error
	// Prune removes and logs whole UTC days that ended keep or longer ago, but nothing of
	// open changes, and expired idempotency keys. The first call only notes the time:
	// days then pass by this process's clock.
	Prune(ctx context.Context, keep time.Duration) error
	// Close completes pending writes and lets a standby take over. CodeTimeout: the
	// context ended first.
	Close(ctx context.Context) error
}

// Replicas is what the processes that share a record exchange. A process that does not
// share it leads, and receives nothing.
type Replicas interface {
	// Applied returns a pool's changes applied within the duration by any
	// process, oldest first.
	Applied(ctx context.Context, pool lsapi.PoolID, within time.Duration) ([]lsapi.AppliedChange, error)
	// Lead acquires or keeps the right to list the region, without waiting, and reports
	// whether this process holds it. It is called before each listing.
	Lead(ctx context.Context) (bool, error)
	// Publish shares a listing of a kind, and writes only differences. A listing older than
	// the published one is ignored. One with a Failure leaves the published pools and their
	// time as they are. lsapi.ErrLeaseLost: this process does not lead.
	Publish(ctx context.Context, listed lsapi.KindListing, all []lsapi.Membership) error
	// SharedListing waits for a listing or failure of a later version and returns the
	// differences. CodeTimeout: the context ended first.
	SharedListing(ctx context.Context, kind lsapi.Kind, after int64) (lsapi.SharedListing, error)
	// ClaimHealth claims the next read of a pool's health, without waiting. It
	// fails if a process, this one included, claimed it less than every ago by the
	// database's clock.
	ClaimHealth(ctx context.Context, pool lsapi.PoolID, every time.Duration) (claimed bool, err error)
	// PublishHealth shares a report. One older than the published report is ignored.
	PublishHealth(ctx context.Context, report lsapi.HealthReport) error
	// PublishedHealth waits for reports later than a version, 0 for all, and returns the
	// last of each pool and the next version to pass. AsOf is on this process's
	// clock, never too late. CodeTimeout: the context ended first.
	PublishedHealth(ctx context.Context, after int64) (reports []lsapi.HealthReport, version int64, err error)
}

// Deliveries are how far notifications have been sent. A receiver is any text that names it;
// a holder is a process that sends.
type Deliveries interface {
	// ClaimDelivery acquires or keeps the right to send to a receiver, without waiting, and
	// reports whether the holder has it for the next DeliveryLease. The delivery of a new
	// receiver begins at the end of the record.
	ClaimDelivery(ctx context.Context, receiver, holder string) (d lsapi.Delivery, claimed bool, err error)
	// SaveDelivery stores how far a receiver has been sent to. lsapi.ErrLeaseLost: another
	// process has the right to send.
	SaveDelivery(ctx context.Context, receiver, holder string, d lsapi.Delivery) error
	// ReleaseDelivery gives the right up. lsapi.ErrLeaseLost: another process has it.
	ReleaseDelivery(ctx context.Context, receiver, holder string) error
	// Kept returns the last position that was pruned. All events behind it are kept.
	Kept(ctx context.Context) (lsapi.Position, error)
	// OutSince returns the members that have been out of service, or detached by lsapi, since
	// a time in [from, to), by that time. Health is only recorded while it is polled.
	OutSince(ctx context.Context, from, to time.Time) ([]lsapi.OutMember, error)
}

// DeliveryLease is how long a claim of a delivery lasts: after a crash another process goes
// on when it has passed.
const DeliveryLease = 30 * time.Second

// Options tune a Store. The zero value of a field means its default.
type Options struct {
	// ReadOnly opens an existing record beside its owner, without locks or migrations.
	// Writes return CodeUnavailable.
	ReadOnly bool
	// Learn receives changes that other processes applied, oldest first, perhaps more
	// than once, and rarely this process's own. One goroutine calls it; it must not block.
	Learn func(pool lsapi.PoolID, changes []lsapi.AppliedChange)
	// Replicas receives the number of processes that share the record, this one included,
	// before Open returns and on each change. It keeps its last value while the database
	// is unreachable. A record in a file never calls it.
	Replicas func(live int)
	// Log receives changes of ownership and of the record's availability. Default: none.
	Log *slog.Logger
}

// Logger returns Log, or a logger that discards everything.
func (o Options) Logger() *slog.Logger {
	if o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Log
}

// Verification is the result of Verify.
type Verification struct {
	Pools, Events, Changes int
	// Breach is the first defect, by pool and event; nil for none.
	Breach *Breach
	// Pruned are the given checkpoints that are older than the oldest kept event, and so
	// prove nothing.
	Pruned []lsapi.ChainEnd
}

// Breach is a place where the record differs from what was recorded.
type Breach struct {
	Pool     lsapi.PoolID
	Seq      int64  // of the event, 0 for none
	ChangeID string // empty for none
	Why      string // a sentence for the operator
}
