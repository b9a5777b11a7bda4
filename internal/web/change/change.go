// Package change makes the changes that the HTTP APIs take: at most once for each
// idempotency key, and with a wait for their effect. An API reads the request and writes the
// response.
package change

import (
	"context"
	"log/slog"
	"strings"
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
}

// Record reads the record of changes.
type Record interface {
	// Change returns the change with the id, or CodeNotFound.
	Change(ctx context.Context, id string) (lsapi.Change, error)
}

// Effects waits for the effects of changes.
type Effects interface {
	// Await waits until a member meets the condition. CodeWaitTimeout: the context
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

// Options configure a Changer. All are required.
type Options struct {
	Membership Membership
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
type Changer struct{ Options }

// New returns a Changer.
func New(o Options) *Changer { return &Changer{o} }

// Headers are what the headers of a request say about its change.
type Headers struct {
	reason, key string
	keyed       bool
}

// ReadHeaders returns the headers X-Reason and Idempotency-Key. CodeInvalid: one is
// malformed.
func ReadHeaders(x *exchange.Exchange) (h Headers, err error) {
	if h.reason, err = x.Reason(); err != nil {
		return h, err
	}
	h.key, h.keyed, err = x.IdempotencyKey()
	return h, err
}

// Request is a request for a change.
type Request struct {
	Action  lsapi.Action
	Pool    lsapi.PoolID
	Member  lsapi.MemberID
	Headers Headers
	// Body is the request's: under the same key it must be the same.
	Body []byte
	// Wait is the timeout of the wait for the effect. 0 does not wait.
	Wait time.Duration
	// Idempotent makes the attach of a member succeed as Unchanged, in place of
	// CodeConflict.
	Idempotent bool
}

// unchanged reports whether the code of a change is a success for the request.
func (r Request) unchanged(code lsapi.Code) bool {
	return r.Idempotent && r.Action == lsapi.Attach && code == lsapi.CodeConflict
}

// Made is a change that was made, or did not have to be.
type Made struct {
	// ChangeID is the change's id in the record. Empty if it is not on record.
	ChangeID string
	// Member has the port that was changed, also if the request had none.
	Member lsapi.MemberID
	// Unchanged is whether an attached member was one before.
	Unchanged bool
	// Instance is EC2's description of the instance. Zero if Unchanged.
	Instance lsapi.Instance
	// ReplacedBy is the Auto Scaling group that may replace a detached instance. Empty if
	// there is none.
	ReplacedBy string
}

// warn sets ReplacedBy, and the header Warning that says so.
func (m *Made) warn(x *exchange.Exchange, action lsapi.Action) {
	if action == lsapi.Attach || m.Instance.AutoScalingGroup == "" {
		return
	}
	m.ReplacedBy = m.Instance.AutoScalingGroup
	text := m.Instance.ID + " is in the Auto Scaling group " + m.ReplacedBy + ", which may replace it"
	x.Header().Set("Warning", persistent+` - "`+quoted.Replace(text)+`"`)
}

// persistent is the code of the header Warning (RFC 7234, 5.5) for a text that no program
// acts on.
const persistent = "299"

// quoted escapes a text for a quoted-string.
var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", " ", "\n", " ")
