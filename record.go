package lsapi

import (
	"context"
	"errors"
	"time"
)

// Outcome is the outcome of a change. It is empty while the change is open.
type Outcome string

// The outcomes.
const (
	OutcomeApplied   Outcome = "applied"   // AWS made the change
	OutcomeConflict  Outcome = "conflict"  // the membership was already as requested
	OutcomeRefused   Outcome = "refused"   // AWS rejected it; the change's Code is the reason
	OutcomeFailed    Outcome = "failed"    // certainly not applied
	OutcomeWithdrawn Outcome = "withdrawn" // its caller left before it was sent
	OutcomeUnknown   Outcome = "unknown"   // it may have been applied
)

// OutcomeOpen selects, in a ChangeFilter, the changes without an outcome.
const OutcomeOpen Outcome = "open"

// Resolution is how an outcome was determined. Empty is by AWS's response, or without a
// call to AWS.
type Resolution string

// The resolutions.
const (
	ResolutionInferred Resolution = "inferred" // from a membership that has no other explanation
	ResolutionObserved Resolution = "observed" // an external change, observed afterwards
)

// Source is the origin of a change.
type Source string

// The sources.
const (
	SourceLSAPI    Source = "lsapi"
	SourceExternal Source = "external" // made outside of lsapi
)

// Change is one attach or detach, with its request and its outcome.
type Change struct {
	// ID is a UUID of version 7: ids contain IntendedAt, and sort by it.
	ID string
	// Actor is the user's name. Empty for an external change.
	Actor  string
	Action Action
	Pool   PoolID
	Member MemberID
	// Reason is the caller's reason. It may be empty.
	Reason string
	// RequestID is the HTTP request's id. Empty for an external change.
	RequestID string
	Source    Source
	// IntendedAt is when the change was requested, or an external change observed; in UTC,
	// whole milliseconds. The record derives it from ID.
	IntendedAt time.Time
	// NotBefore is set for an external change: it happened between NotBefore, when the
	// previous read began, and IntendedAt.
	NotBefore time.Time
	// Deadline is the time after which the call to AWS cannot take effect any more, apart
	// from the lag of reads. Zero if no call was made.
	Deadline time.Time

	Outcome Outcome
	// Code is the reason why the change was not applied: AWS's error code if there is one,
	// else a Code of this package.
	Code       string
	Resolution Resolution
	// CompletedAt is when the outcome was recorded: the At of its event. Zero while it is
	// open.
	CompletedAt time.Time
	// AWSRequestID is AWS's id of the call that determined the outcome.
	AWSRequestID string
	// MembersBefore and MembersAfter count the pool's members. Nil is unknown.
	MembersBefore, MembersAfter *int

	// Instance is EC2's description of the instance when the change was sent.
	Instance Instance

	// Bulk is the id of the bulk that the change belongs to. Empty: none.
	Bulk string
	// Undoes is the id of the change that this one undoes. Empty: none.
	Undoes string
	// IfMatch is the precondition that it met: versions of the membership, separated by
	// commas. Empty: none.
	IfMatch string
	// Guard is the guard that refused the change, or that it overrode. Nil: none.
	Guard *GuardVerdict
}

// RefusedByGuard reports whether a guard refused the change.
func (c *Change) RefusedByGuard() bool {
	return c.Outcome == OutcomeRefused && c.Guard != nil && !c.Guard.Overridden
}

// FreesKey reports whether the change frees its idempotency key for a retry: it certainly
// had no effect, because lsapi or AWS was unable to, or because lsapi refused it, which of
// changes without a bulk is on record only if a guard did. A conflict or AWS's refusal is an
// answer, and stays one.
func (c *Change) FreesKey() bool {
	unfit := c.Bulk != "" && c.Outcome == OutcomeRefused && c.Code == string(CodeInvalid)
	return c.Outcome == OutcomeFailed || c.Outcome == OutcomeWithdrawn || c.RefusedByGuard() || unfit
}

// EventKind is the kind of an Event.
type EventKind string

// The kinds of events.
const (
	// EventIntended: a change is about to be sent to AWS.
	EventIntended EventKind = "intended"
	// EventCompleted: the outcome of a change by AWS's response. A change that was not sent
	// (a conflict, or withdrawn) has only this event.
	EventCompleted EventKind = "completed"
	// EventResolved: the outcome of a change that its call left open.
	EventResolved EventKind = "resolved"
	// EventObserved: the membership was changed outside of lsapi.
	EventObserved EventKind = "observed"
	// EventHealth: the health of members has changed, or draining has ended.
	EventHealth EventKind = "health"
	// EventCheckpoint: the whole membership, by the events so far.
	EventCheckpoint EventKind = "checkpoint"
)

// Event is an entry of the record, which is an append-only log for each pool.
type Event struct {
	Kind EventKind
	// At is when it was recorded, by the writer's clock, but not later than by the record's
	// clock; in UTC, whole microseconds. It never decreases within a pool. It is a label:
	// ages are measured by the record's clock.
	At time.Time
	// Change is the change of an intended, completed or resolved event, at that time.
	Change Change
	// Added and Removed are the instances of an observed event, sorted. They changed between
	// Since, when the previous read began, and Until.
	Added, Removed []MemberID
	Since          time.Time
	// Until is when the read of the membership began that the event is based on, of whatever
	// kind. Zero if it is based on none.
	Until time.Time
	// Incarnation identifies the pool that an observed event or a checkpoint is about: one
	// that is deleted and made again under its name has another. Events of the former name
	// it until it has no members. Empty is unknown.
	Incarnation string
	// Members are the members of a checkpoint, sorted.
	Members []MemberID
	// Health is the changed health of a health event, sorted by id. Drained are the former
	// members that are no longer draining, sorted.
	Health  []MemberHealth
	Drained []MemberID
}

// Position is a position in the whole record, after an event. Positions grow in the order
// in which events can be read. The zero Position is before all events.
type Position struct {
	Major, Minor int64
}

// After reports whether p is after q.
func (p Position) After(q Position) bool {
	return p.Major > q.Major || p.Major == q.Major && p.Minor > q.Minor
}

// RecordedEvent is an event and its position.
type RecordedEvent struct {
	Position Position
	Pool     PoolID
	// Event has the current state of its Change.
	Event Event
	// External are the changes of an observed event: the attached, then the detached
	// instances, each sorted.
	External []Change
}

// Lease is the right to change a pool's membership and to write its record. One
// process has it at a time.
type Lease struct {
	Pool PoolID
	// Epoch grows each time that somebody takes the lease, once there is a log.
	Epoch int64
	// Until is when the lease ends by itself, on this process's clock. Zero is
	// never: no other process can take it.
	Until time.Time
	// ChainEnd is the end of the pool's log when the lease was acquired. If it is the end
	// that its holder read last, nothing was recorded in between.
	ChainEnd ChainEnd
}

// ClockTolerance is by how much the clock of a process may differ from that of the
// record, and from AWS's. Ages are measured by the record's clock; what is left to a
// process's own are the times that its changes are labelled with.
const ClockTolerance = 5 * time.Second

// BeforeAttempt is called immediately before each attempt of a call that changes
// something, after every wait. The attempt must end by until; zero is no limit. An error
// prevents the attempt.
type BeforeAttempt func(ctx context.Context) (until time.Time, err error)

// ErrLeaseLost is in the chain of the error with which the record refuses the
// events of a lease that somebody else has taken since.
var ErrLeaseLost = errors.New("another process has taken the lease of the pool")

// ErrFuture is in the chain of the CodeInvalid error for a membership at a time in the
// future, by the clock that labels events.
var ErrFuture = errors.New("the time is in the future")

// IsTransient reports whether a call of the record that failed with err may succeed later,
// under the same lease.
func IsTransient(err error) bool {
	code := ErrorCode(err)
	return !errors.Is(err, ErrLeaseLost) && (code == CodeUnavailable || code == CodeTimeout)
}

// AppliedChange is a change that lsapi applied and that AWS's reads may not show yet. One
// of SourceExternal was observed instead: reads show it, and no longer the changes of the
// instance before it.
type AppliedChange struct {
	Change
	// Seq is the number of the event that completed it: of several changes of an
	// instance the one with the highest is the last.
	Seq int64
	// At is when it was recorded, on the clock of the process that reads it, and
	// never before it was. No clock of another replica takes part in it.
	At time.Time
}

// LaneState is what the record knows of a pool that the holder of its lease must
// know too. Its times are on the clock of the process that reads it: the record
// converts them, so that clocks of replicas are never compared.
type LaneState struct {
	// ChainEnd is the end of the log of which all that follows is true.
	ChainEnd ChainEnd
	// Known is whether its membership has ever been recorded; Members are as the
	// record adds up to them.
	Known   bool
	Members map[MemberID]bool
	// Incarnation is the last one that an event named. Empty is unknown.
	Incarnation string
	// LookedAt is the last time at which the membership is known to have been as
	// recorded. Zero if never.
	LookedAt time.Time
	// Applied are the last changes that lsapi applied, in order, which reads of AWS may
	// still miss; and external changes, which a read has shown.
	Applied []AppliedChange
	// Open are the changes without outcome, in order. Their Deadline is never before
	// it was.
	Open []Change
	// Detached are the former members whose last change is a detach that lsapi applied
	// within DetachedWithin, with the time at which it was recorded.
	Detached map[MemberID]time.Time
}

// DetachedWithin is how long a detached member counts as out of its pool. Later it is
// assumed not to come back.
const DetachedWithin = 24 * time.Hour

// ChangeFilter selects changes. The zero value of a field matches all.
type ChangeFilter struct {
	Pool PoolID
	// Kind is the kind of the pools.
	Kind Kind
	// Member without a port matches the instance or the address on all its ports.
	Member MemberID
	Actor  string
	Action Action
	// Outcome may be OutcomeOpen.
	Outcome Outcome
	// Bulk is the id of a bulk.
	Bulk string
	// From and To bound IntendedAt: From <= IntendedAt < To.
	From, To time.Time
	// Before is the id of a change; only older ones match.
	Before string
	// Limit is the greatest number of results. It must be positive.
	Limit int
}

// MembershipAt is the recorded membership of a pool at a time.
type MembershipAt struct {
	Pool PoolID
	At   time.Time
	// Members are sorted.
	Members []RecordedMember
	// Uncertain are external changes that happened in an interval around At. Members are
	// the membership before them.
	Uncertain []Change
}

// RecordedMember is a member and the change that attached it, if it is in the record.
type RecordedMember struct {
	Member MemberID
	// Since is when it was attached; for an external change, when that was observed. Zero if
	// it was a member before the record began.
	Since time.Time
	// ChangeID is the id of the change. Empty if it is not in the record.
	ChangeID string
	// Source is the change's source. Empty if it is not in the record.
	Source Source
}

// ChainEnd is the end of a pool's hash chain, its log. Stored elsewhere as a checkpoint, it
// proves later that nothing up to it was changed or removed.
type ChainEnd struct {
	Pool PoolID
	// Seq is the number of the last event, counted from 1.
	Seq int64
	// Hash is of the whole log up to it, in hexadecimal digits.
	Hash string
}

// IdempotencyKey identifies a request that its caller may repeat.
type IdempotencyKey struct {
	Actor, Method, Path, Key string
}

// Reservation is the reservation of an IdempotencyKey.
type Reservation struct {
	// ChangeID is the id of the request's change.
	ChangeID string
	// BodyHash is the hash of the request's body.
	BodyHash string
	// At is when the key was reserved.
	At time.Time
}
