// Package change makes the changes that the HTTP APIs take: at most once for each
// idempotency key, and with a wait for their effects. An API reads the request and writes the
// response.
package change

import (
	"context"
	"log/slog"
	"time"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// Membership changes the memberships of pools. Errors are *lsapi.Error; other errors are
// defects, unless they are the context's.
type Membership interface {
	// Change attaches or detaches a member and returns EC2's description of it. The
	// result also says whether the change is on record, even beside an error.
	// CodeNotFound: no such pool. CodeInvalid: the member cannot be attached.
	// CodeConflict: the membership already is as requested. CodeNotChangeable: nothing
	// can be attached to the pool or detached. CodeThrottled: nothing changed.
	// CodeTimeout: the outcome may be unknown.
	Change(ctx context.Context, req lsapi.Request) (lsapi.Result, error)
	// ChangeAll makes the changes of a bulk. With an error none of them was decided; else
	// the result has the error of each.
	ChangeAll(ctx context.Context, bulk lsapi.Bulk) (lsapi.BulkResult, error)
}

// Overrides are the rights to override guards.
type Overrides interface {
	// MayOverride reports whether the actor may override the guards of the pool.
	MayOverride(actor lsapi.Actor, pool lsapi.PoolID) bool
}

// Record reads the record of changes.
type Record interface {
	// Change returns the change with the id, or CodeNotFound.
	Change(ctx context.Context, id string) (lsapi.Change, error)
	// Changes returns the changes that pass the filter, newest first, and fewer than its
	// limit only if there are no more.
	Changes(ctx context.Context, f lsapi.ChangeFilter) ([]lsapi.Change, error)
}

// Effects waits for the effects of changes.
type Effects interface {
	// AwaitReporting waits until a member meets the condition, and calls report with each
	// state of it on the way. CodeWaitTimeout: the context ended first. Errors can come with
	// the last known state.
	AwaitReporting(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, condition lsapi.WaitCondition,
		report func(lsapi.MemberDetail)) (lsapi.MemberDetail, error)
}

// Keys are the reserved idempotency keys.
type Keys interface {
	// Reserve durably reserves a key and returns nil, or returns its present reservation.
	// A key is free again if its change certainly changed nothing, unless that is the
	// answer to its request.
	Reserve(ctx context.Context, key lsapi.IdempotencyKey, r lsapi.Reservation) (reserved *lsapi.Reservation, err error)
	// Free ends the reservation for the change.
	Free(ctx context.Context, key lsapi.IdempotencyKey, changeID string) error
}

// Options configure a Changer. All but Overrides are required.
type Options struct {
	Membership Membership
	// Overrides are the rights to override guards. Nil: everybody may.
	Overrides Overrides
	// Effects waits for the effects of changes.
	Effects Effects
	// LongRequests bounds the requests that wait.
	LongRequests *exchange.LongRequests
	// Keys, and Record beside it, replay repeated requests.
	Keys   Keys
	Record Record
	// Timeout is the request timeout.
	Timeout time.Duration
	Log     *slog.Logger
}

// Changer makes changes. It is safe for concurrent use.
type Changer struct {
	Options
	awaited *exchange.Shares // of the members that requests wait for
}

// New returns a Changer.
func New(o Options) *Changer {
	return &Changer{Options: o, awaited: exchange.NewShares(maxAwaited, "members", "are waited for")}
}
