// Package record keeps the record of changes: who attached or detached what, when,
// why, and what became of it.
//
// The record is a log of events for each load balancer, which only grows. An
// event is stored as the JSON that is hashed, hash = SHA-256(hash before || JSON),
// so that nothing before a noted Head can change unseen. Three projections are kept
// in the same transaction: the changes, each being what its events add up to, the
// members of now, and their health as it was last told. What an event does to them is said once, in effectsOf, which
// appending and verifying share. Whole memberships stand in checkpoints, one at the
// beginning of each UTC day and one when the events since the last outgrow it:
// replaying starts there, pruning ends there.
//
// The id of a change is a UUID of version 7 and holds its IntendedAt; CompletedAt
// is its completing event's At. An event's At is moved on to that of the event
// before it, and to its change's IntendedAt, where a clock was set back.
//
// Files named after a concern know no database: they ask tables, which each engine
// implements over the queries that sqlc generates.
package record

import (
	"context"
	"log/slog"
	"time"

	"lsapi"
)

// Store is a record of changes, safe for concurrent use. Its errors are
// *lsapi.Error: CodeUnavailable when the database is away, full or read-only,
// and, for whatever writes, in a process that is a standby; nothing was recorded
// then. No call outlives its context, not even on a disk that does not answer. CodeInternal is for events that contradict the record.
type Store interface {
	// Acquire acquires the lease of a load balancer, without which nothing is appended. It
	// waits while another process has it.
	Acquire(ctx context.Context, loadBalancer string) (lsapi.Lease, error)
	// Renew returns the lease with as much time left as Take gives it. An error with
	// lsapi.ErrLeaseLost in its chain: it is somebody else's by now.
	Renew(ctx context.Context, lease lsapi.Lease) (lsapi.Lease, error)
	// Release gives a lease back. One that is lost is given back already.
	Release(ctx context.Context, lease lsapi.Lease) error
	// Append records events of the lease's load balancer, all or none; they are
	// durable when it returns nil. An error with lsapi.ErrLeaseLost in its chain:
	// the lease is somebody else's by now. An error of CodeTimeout leaves open
	// whether they were recorded; they can be appended again, because what the
	// record tells already is passed over. It returns the end of the log.
	Append(ctx context.Context, lease lsapi.Lease, events []lsapi.Event) (lsapi.Head, error)
	// LaneState returns what the holder of the lease must know, with the changes
	// that were applied so lately, or so shortly before the last look at the
	// membership, or after it.
	LaneState(ctx context.Context, loadBalancer string, within time.Duration) (lsapi.LaneState, error)
	// Unfinished returns the load balancers with open changes, or with changes
	// that were applied so lately, sorted.
	Unfinished(ctx context.Context, within time.Duration) ([]string, error)
	// Populated returns the load balancers that have members by the record, sorted.
	Populated(ctx context.Context) ([]string, error)

	// Change returns a change by its id; CodeNotFound when there is none.
	Change(ctx context.Context, id string) (lsapi.Change, error)
	// Changes returns the changes that the filter finds, the newest first: by
	// IntendedAt.
	Changes(ctx context.Context, filter lsapi.ChangeFilter) ([]lsapi.Change, error)
	// MembersAt returns the membership of a load balancer at a time, at the end of the
	// record for the zero time; CodeNotFound when the record does not reach back to it.
	MembersAt(ctx context.Context, loadBalancer string, at time.Time) (lsapi.MembershipAt, error)
	// Health returns what was last recorded of the health of a load balancer's members,
	// and of the instances that it is draining, by instance.
	Health(ctx context.Context, loadBalancer string) (map[string]lsapi.MemberHealth, error)
	// MemberHistory returns the history of instances in a load balancer; each has an entry. No
	// ids, nil, are all members by the record and all whose health is recorded.
	MemberHistory(ctx context.Context, loadBalancer string, instanceIDs []string) (map[string]lsapi.MemberHistory, error)
	// Events returns the events of all load balancers behind a position, in order, but
	// for checkpoints; at most limit, fewer only when there are no more. Once a position
	// was returned, nothing that is recorded later stands before it, and the events of
	// one load balancer follow one another as they were appended. The zero Position
	// reads from the first that is kept. CodeNotFound: something behind the position has
	// been pruned. What an lsapi recorded that did not know of positions is not returned.
	Events(ctx context.Context, after lsapi.Position, limit int) ([]lsapi.RecordedEvent, error)
	// End returns the position behind the last event that can be read now, never the
	// zero Position.
	End(ctx context.Context) (lsapi.Position, error)
	// News waits until Events has something behind a position. CodeTimeout: the context
	// ended first.
	News(ctx context.Context, after lsapi.Position) error
	// Heads returns the ends of all logs, by load balancer.
	Heads(ctx context.Context) ([]lsapi.Head, error)
	// Verify checks the whole record against itself and against heads that were
	// noted earlier. An error means that it could not look; what it found is in
	// the Verification.
	Verify(ctx context.Context, heads []lsapi.Head) (Verification, error)

	Replicas

	// Reserve reserves an idempotency key, durably, and returns nil; or the
	// reservation that has it already. A reservation ends after a day, and when its
	// change turns out to have failed or was withdrawn: that has certainly changed
	// nothing. At is set by the record, and returned on this process's clock.
	Reserve(ctx context.Context, key lsapi.IdempotencyKey, reservation lsapi.Reservation) (taken *lsapi.Reservation, err error)
	// Free gives up the reservation that the change has of the key, if it has.
	Free(ctx context.Context, key lsapi.IdempotencyKey, changeID string) error

	// Ready returns nil when this process can write the record now, else an error
	// of CodeUnavailable whose message says why not. It tries, so that a disk that
	// is full, or has room again, is noticed.
	Ready(ctx context.Context) error
	// Prune drops whole UTC days that ended keep or longer ago, and expired
	// idempotency keys, and logs it. Nothing of a change that is open is dropped. Call
	// it first when the process starts: days count from then on only as this process
	// sees them pass.
	Prune(ctx context.Context, keep time.Duration) error
	// Close records what waits, and lets a standby take over. CodeTimeout: it had not
	// ended with its context.
	Close(ctx context.Context) error
}

// Replicas is what the processes that share a record tell one another. One that has
// the record for itself leads, and hears of nobody.
type Replicas interface {
	// Applied returns the changes of a load balancer that were applied so lately, by
	// any process, oldest first.
	Applied(ctx context.Context, loadBalancer string, within time.Duration) ([]lsapi.AppliedChange, error)
	// Lead takes or keeps the right to list the region for all, and reports whether
	// this process has it. It never waits for another process. It must be asked
	// again before each listing, which begins afterwards.
	Lead(ctx context.Context) (bool, error)
	// Publish shows all others what this process listed: the asking began at asOf.
	// Only what differs from the last listing is written; one that began before it
	// changes nothing. An error with lsapi.ErrLeaseLost in its chain: this process
	// does not lead.
	Publish(ctx context.Context, asOf time.Time, all []lsapi.Membership) error
	// SharedListing waits for a listing of a version later than after, and returns what
	// differs from that. CodeTimeout when the context ended first.
	SharedListing(ctx context.Context, after int64) (lsapi.SharedListing, error)
	// ClaimHealth asks for the right to ask AWS for a load balancer's health now. It is
	// given unless some process, which may be this one, was given it less than every
	// ago, by the database's clock. It never waits for another process.
	ClaimHealth(ctx context.Context, loadBalancer string, every time.Duration) (claimed bool, err error)
	// PublishHealth shows a report to all processes. One whose asking began before that
	// of the report that is shown changes nothing.
	PublishHealth(ctx context.Context, report lsapi.HealthReport) error
	// PublishedHealth waits for reports of a version later than after, 0 for all, and
	// returns the last of each load balancer, this process's own included, with the
	// version to ask for next. Their AsOf are on this process's clock, never later than
	// they were. CodeTimeout when the context ended first.
	PublishedHealth(ctx context.Context, after int64) (reports []lsapi.HealthReport, version int64, err error)
}

// Options tune a Store. The zero value of a field means its default.
type Options struct {
	// ReadOnly opens a record that exists beside whoever owns it, and never makes,
	// migrates or locks one. Whatever writes returns CodeUnavailable.
	ReadOnly bool
	// Learn is told of changes that other processes have recorded as applied, oldest
	// first and perhaps more than once; of this process's own seldom. It is called
	// by one goroutine, which it must not hold up. Default: none.
	Learn func(loadBalancer string, changes []lsapi.AppliedChange)
	// Replicas is told how many processes share the record, this one included,
	// before Open returns and whenever that changes. While the database is away, the
	// last number stands. A record in a file has one, and does not tell. Default:
	// none.
	Replicas func(live int)
	// Log is told when this process becomes the owner of the record, and when the
	// record stops to be writable. Default: none.
	Log *slog.Logger
}

// Verification is what Verify found.
type Verification struct {
	LoadBalancers, Events, Changes int
	// Breach is the first thing that is wrong, by load balancer and event. Nil:
	// the record is whole.
	Breach *Breach
	// Pruned are the noted heads that are older than what is kept, so that
	// nothing can be said of them.
	Pruned []lsapi.Head
}

// Breach is a place where the record is not what was recorded.
type Breach struct {
	LoadBalancer string
	// Seq is the number of the event. 0 when it is not about one.
	Seq int64
	// ChangeID is the change's. Empty when it is not about one.
	ChangeID string
	// Why is a sentence for the operator.
	Why string
}

// Logger returns Log, or a logger that discards everything.
func (o Options) Logger() *slog.Logger {
	if o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Log
}
