package lsapi

import (
	"context"
	"errors"
	"time"
)

// Outcome is what became of a change. It is empty while that is open.
type Outcome string

// The outcomes.
const (
	OutcomeApplied   Outcome = "applied"   // AWS made it so
	OutcomeConflict  Outcome = "conflict"  // the membership already was as asked
	OutcomeRefused   Outcome = "refused"   // AWS said no; the change's Code tells why
	OutcomeFailed    Outcome = "failed"    // certainly not applied
	OutcomeWithdrawn Outcome = "withdrawn" // its caller gave up before it was sent
	OutcomeUnknown   Outcome = "unknown"   // it may have been applied; nothing tells
)

// OutcomeOpen finds, in a ChangeFilter, the changes that have no outcome yet.
const OutcomeOpen Outcome = "open"

// Resolution is how an outcome came to be known. Empty is by AWS's answer, or
// because AWS was never asked.
type Resolution string

// The resolutions.
const (
	ResolutionInferred Resolution = "inferred" // from a membership that nothing else explains
	ResolutionObserved Resolution = "observed" // somebody else's change, seen afterwards
)

// Source is who made a change.
type Source string

// The sources.
const (
	SourceLSAPI    Source = "lsapi"
	SourceExternal Source = "external" // another tool, past lsapi
)

// Change is one attach or detach: who asked for what, when and why, and what
// became of it.
type Change struct {
	// ID is a UUID of version 7: ids sort by IntendedAt, which they hold.
	ID string
	// Actor is the name of who asked. Empty for an external change.
	Actor        string
	Action       Action
	LoadBalancer string
	InstanceID   string
	// Reason is why, in the words of who asked. Empty when none was given.
	Reason string
	// RequestID is that of the HTTP request. Empty for an external change.
	RequestID string
	Source    Source
	// IntendedAt is when the change was asked for, and for an external change
	// when it was seen; in UTC, whole milliseconds. The record reads it from ID.
	IntendedAt time.Time
	// NotBefore is set for an external change: it happened between the look
	// before, which is this, and IntendedAt.
	NotBefore time.Time
	// Deadline is until when the call that was sent for the change can take
	// effect, not counting the lag of reads. Zero when none was sent.
	Deadline time.Time

	Outcome Outcome
	// Code tells why the change was not applied: AWS's own error code where there
	// is one, else a Code of this package.
	Code       string
	Resolution Resolution
	// CompletedAt is when the outcome was recorded: the At of the event that did.
	// Zero while it is open.
	CompletedAt time.Time
	// AWSRequestID is the id that AWS gave the call that decided it.
	AWSRequestID string
	// MembersBefore and MembersAfter count the load balancer's members. Nil is not
	// known.
	MembersBefore, MembersAfter *int

	// Instance is what EC2 knew of the instance when the change was sent.
	Instance Instance
}

// EventKind is what an Event tells.
type EventKind string

// The kinds of events.
const (
	// EventIntended: a change is about to be sent to AWS.
	EventIntended EventKind = "intended"
	// EventCompleted: the outcome of a change, as AWS answered. A change that was
	// not sent (a conflict that a read showed, one that was withdrawn) has only
	// this event.
	EventCompleted EventKind = "completed"
	// EventResolved: the outcome of a change whose call left it open.
	EventResolved EventKind = "resolved"
	// EventObserved: the membership has changed past lsapi.
	EventObserved EventKind = "observed"
	// EventHealth: the health of members is another than was recorded before, or
	// draining has ended.
	EventHealth EventKind = "health"
	// EventCheckpoint: the whole membership, as the events so far add up to it.
	EventCheckpoint EventKind = "checkpoint"
)

// Event is an entry of the record, which is a log for each load balancer that
// only grows.
type Event struct {
	Kind EventKind
	// At is when it was recorded, by the clock of who did, but not later than by the
	// record's; in UTC, whole microseconds. It does not run backwards within a load
	// balancer. It is a label: ages are measured by the record's clock.
	At time.Time
	// Change is the change of an intended, completed or resolved event, as far as
	// it is known then.
	Change Change
	// Added and Removed are the instances of an observed event, sorted: they
	// changed between Since, when the look before it began, and Until.
	Added, Removed []string
	Since          time.Time
	// Until is when the look at the membership began on which the event rests, of
	// whatever kind it is; from then on its load balancer counts as looked at.
	// Zero when it rests on none.
	Until time.Time
	// Members are those of a checkpoint, sorted.
	Members []string
	// Health is of a health event: what the load balancer says of those of whom it
	// said something else, or nothing, before; sorted by id. Drained are the
	// instances, no longer members, of which it has stopped to say anything; sorted.
	Health  []MemberHealth
	Drained []string
}

// Position is a place in the record as a whole, behind an event. Positions grow
// in the order in which events can be read. The zero Position is before all.
type Position struct {
	Major, Minor int64
}

// After reports whether p is behind q.
func (p Position) After(q Position) bool {
	return p.Major > q.Major || p.Major == q.Major && p.Minor > q.Minor
}

// RecordedEvent is an event and its place.
type RecordedEvent struct {
	Position     Position
	LoadBalancer string
	// Event is complete: its Change is as the record has it now.
	Event Event
	// External are the changes of an observed event: who was added, then who was
	// removed, each sorted by instance.
	External []Change
}

// Turn is the right to change a load balancer's membership and to write its
// record. One process has it at a time.
type Turn struct {
	LoadBalancer string
	// Epoch grows each time that somebody takes the turn, once there is a log.
	Epoch int64
	// Until is when the turn ends by itself, on this process's clock. Zero is
	// never: no other process can take it.
	Until time.Time
	// Head is the end of the load balancer's log when the turn was taken. What its
	// holder knew of the record still holds if the log ended there already.
	Head Head
}

// ClockTolerance is by how much the clock of a process may differ from that of the
// record, and from AWS's. Ages are measured by the record's clock; what is left to a
// process's own are the times that its changes are labelled with.
const ClockTolerance = 5 * time.Second

// BeforeAttempt is called immediately before each attempt of a call that changes
// something, after every wait. The attempt must have ended by until; zero is no
// bound. If there is an error, it must not be made.
type BeforeAttempt func(ctx context.Context) (until time.Time, err error)

// ErrTurnLost is in the chain of the error with which the record refuses the
// events of a turn that somebody else has taken since.
var ErrTurnLost = errors.New("another process has taken the load balancer's turn")

// AppliedChange is a change that lsapi applied, of which AWS's reads may not show
// anything yet.
type AppliedChange struct {
	Change
	// Seq is the number of the event that completed it: of several changes of an
	// instance the one with the highest is the last.
	Seq int64
	// At is when it was recorded, on the clock of the process that reads it, and
	// never before it was. No clock of another replica takes part in it.
	At time.Time
}

// LaneState is what the record knows of a load balancer that the holder of its
// turn must know too. Its times are on the clock of the process that reads it: the
// record converts them, so that clocks of replicas are never compared.
type LaneState struct {
	// Head is the end of the log of which all that follows is true.
	Head Head
	// Known is whether its membership has ever been recorded; Members are as the
	// record adds up to them.
	Known   bool
	Members map[string]bool
	// LookedAt is the last time at which the membership is known to have been as
	// recorded. Zero if never.
	LookedAt time.Time
	// Applied are the last changes that lsapi applied, in order: AWS may not show
	// them yet. Those of others it has shown.
	Applied []AppliedChange
	// Open are the changes without outcome, in order. Their Deadline is never before
	// it was.
	Open []Change
}

// ChangeFilter says which changes to list. The zero value of a field is all.
type ChangeFilter struct {
	LoadBalancer string
	InstanceID   string
	Actor        string
	Action       Action
	// Outcome may be OutcomeOpen.
	Outcome Outcome
	// From and To bound IntendedAt: From <= IntendedAt < To.
	From, To time.Time
	// Before is the id of a change: only older ones are listed.
	Before string
	// Limit is how many at most; it must be positive.
	Limit int
}

// MembershipAt is the membership of a load balancer at a time, by the record.
type MembershipAt struct {
	LoadBalancer string
	At           time.Time
	// Members are sorted.
	Members []RecordedMember
	// Uncertain are external changes that happened before or after At: all that is
	// known is an interval around it. Members shows the membership before them.
	Uncertain []Change
}

// RecordedMember is a member, and the change that made it one, as far as the
// record goes back.
type RecordedMember struct {
	InstanceID string
	// Since is when it was made a member; for an external change, when that was
	// seen. Zero when it was one before the record began.
	Since time.Time
	// ChangeID is the change's. Empty when it is not in the record.
	ChangeID string
	// Source is who made it a member. Empty when that is not in the record.
	Source Source
}

// Head is the end of a load balancer's log: noted elsewhere, it proves later that
// nothing before it was changed or cut off.
type Head struct {
	LoadBalancer string
	// Seq is the number of the last event, counted from 1.
	Seq int64
	// Hash is of the whole log up to it, in hexadecimal digits.
	Hash string
}

// IdempotencyKey names a request that its caller may send again.
type IdempotencyKey struct {
	Actor, Method, Path, Key string
}

// Reservation is an IdempotencyKey that is taken.
type Reservation struct {
	// ChangeID is that of the request that took it.
	ChangeID string
	// BodyHash tells requests apart that differ in their bodies.
	BodyHash string
	// At is when it was taken.
	At time.Time
}
