// Package elb is the service's first API, /elb/{elbName}: it lists the instances of a
// Classic load balancer, and attaches and detaches one.
package elb

import (
	"context"
	"log/slog"
	"time"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// Membership changes the memberships of load balancers. Errors are *lsapi.Error; other
// errors are defects, unless they are the context's.
type Membership interface {
	// Change attaches or detaches an instance and returns EC2's description of it. The
	// result also says whether the change is on record, even beside an error.
	// CodeNotFound: no such load balancer. CodeInvalid: the instance cannot be
	// attached. CodeConflict: the membership already is as requested. CodeThrottled:
	// nothing changed. CodeTimeout: the outcome may be unknown.
	Change(ctx context.Context, req lsapi.Request) (lsapi.Result, error)
}

// Lists are the lists of the members of load balancers.
type Lists interface {
	// Remembered returns the list if it is in memory, else nil. CodeNotFound: it is in
	// memory that there is no such load balancer.
	Remembered(pool lsapi.PoolID) (*lsapi.EncodedList, error)
	// Read returns the list. A fresh one is read from AWS after the call. CodeNotFound:
	// there is no such load balancer.
	Read(ctx context.Context, pool lsapi.PoolID, fresh bool) (*lsapi.EncodedList, error)
}

// Record reads the record of changes.
type Record interface {
	// Change returns the change with the id, or CodeNotFound.
	Change(ctx context.Context, id string) (lsapi.Change, error)
}

// Effects waits for the effects of changes.
type Effects interface {
	// Await waits until an instance meets the condition. CodeWaitTimeout: the context
	// ended first.
	Await(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, condition lsapi.WaitCondition) (lsapi.MemberDetail, error)
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

// Options configure an API. All are required.
type Options struct {
	Membership Membership
	Lists      Lists
	Envelope   Envelope
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

// API is the API.
type API struct{ Options }

// nameParameter is the load balancer's name in the path.
const nameParameter = "elbName"

// loadBalancer returns the load balancer in the request's path.
func loadBalancer(x *exchange.Exchange) lsapi.PoolID {
	return lsapi.ELB(x.Request.PathValue(nameParameter))
}
