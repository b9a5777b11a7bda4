package elb

import (
	"context"
	"time"

	"lsapi"
	"lsapi/internal/web/exchange"
)

const (
	// keyGrace is added to the request timeout before a key without a recorded change
	// counts as free: its process died before it began.
	keyGrace = 30 * time.Second
	// freeTimeout bounds the freeing of a key.
	freeTimeout = 5 * time.Second
	// repeatAfter is the Retry-After while the first request is in progress: about as long
	// as AWS takes.
	repeatAfter = time.Second
)

// changeOnce makes the change unless its key is reserved. Then it answers with the
// outcome of the first request, after the same wait.
func (a *API) changeOnce(ctx context.Context, x *exchange.Exchange, request lsapi.Request, w wait, key, bodyHash string) error {
	full := lsapi.IdempotencyKey{Actor: request.Actor.Name, Method: x.Request.Method, Path: x.Request.URL.Path, Key: key}
	reserved, err := a.reserve(ctx, full, lsapi.Reservation{ChangeID: request.ChangeID, BodyHash: bodyHash, At: request.At})
	if err != nil {
		return err
	}
	if reserved != nil {
		return a.replay(ctx, x, reserved, w, bodyHash)
	}
	recorded, err := a.makeChange(ctx, x, request, w)
	if !recorded {
		a.free(ctx, full, request.ChangeID)
	}
	return err
}

// reserve reserves the key, also from a change that never began.
func (a *API) reserve(ctx context.Context, key lsapi.IdempotencyKey, r lsapi.Reservation) (reserved *lsapi.Reservation, err error) {
	reserved, err = a.Keys.Reserve(ctx, key, r)
	if err != nil || reserved == nil {
		return nil, err
	}
	idle, err := a.neverBegan(ctx, reserved)
	if err != nil || !idle {
		return reserved, err
	}
	if err := a.Keys.Free(ctx, key, reserved.ChangeID); err != nil {
		return nil, err
	}
	return a.Keys.Reserve(ctx, key, r)
}

// neverBegan reports whether the reservation's change has no effect, and never will.
func (a *API) neverBegan(ctx context.Context, reserved *lsapi.Reservation) (bool, error) {
	_, err := a.Record.Change(ctx, reserved.ChangeID)
	if lsapi.ErrorCode(err) == lsapi.CodeNotFound {
		return time.Since(reserved.At) > a.Timeout+keyGrace, nil
	}
	return false, err
}

// free frees the key, also if the client has left.
func (a *API) free(ctx context.Context, key lsapi.IdempotencyKey, changeID string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), freeTimeout)
	defer cancel()
	if err := a.Keys.Free(ctx, key, changeID); err != nil {
		a.Log.WarnContext(ctx, "an idempotency key could not be freed; it is taken until it expires", "change_id", changeID, "error", err)
	}
}

// replay answers with the change's final outcome.
func (a *API) replay(ctx context.Context, x *exchange.Exchange, reserved *lsapi.Reservation, w wait, bodyHash string) error {
	if reserved.BodyHash != bodyHash {
		return lsapi.Errorf(lsapi.CodeKeyReused, "the Idempotency-Key was sent before with another body")
	}
	change, err := a.Record.Change(ctx, reserved.ChangeID)
	if lsapi.ErrorCode(err) == lsapi.CodeNotFound {
		return inProgress("is in progress")
	}
	if err != nil {
		return err
	}
	x.Header().Set("X-Change-Id", change.ID)
	switch change.Outcome {
	case "":
		return inProgress("is in progress")
	case lsapi.OutcomeFailed, lsapi.OutcomeWithdrawn: // after the key was reserved
		return inProgress("has just ended, and nothing was changed; the key is free now")
	case lsapi.OutcomeApplied:
		first := lsapi.Request{Action: change.Action, Pool: change.Pool, Member: change.Member}
		return a.sendApplied(x, first, change.Instance, w) //nolint:contextcheck // the exchange carries it
	}
	return outcomeError(change)
}

// inProgress returns the error of a request to be sent again soon.
func inProgress(how string) error {
	return &lsapi.Error{
		Code: lsapi.CodeInProgress, RetryAfter: repeatAfter,
		Message: "the request that was sent first with this Idempotency-Key " + how,
	}
}

// outcomeCodes are the codes of the final outcomes that keep a key, except applied.
var outcomeCodes = map[lsapi.Outcome]lsapi.Code{
	lsapi.OutcomeConflict: lsapi.CodeConflict,
	lsapi.OutcomeRefused:  lsapi.CodeInvalid,
	lsapi.OutcomeUnknown:  lsapi.CodeTimeout,
}

// noLoadBalancer is AWS's code for an unknown load balancer.
const noLoadBalancer = "LoadBalancerNotFound"

// outcomeError returns the error of a recorded change that was not applied.
func outcomeError(c lsapi.Change) error {
	code := outcomeCodes[c.Outcome]
	if c.Outcome == lsapi.OutcomeRefused && (c.Code == noLoadBalancer || c.Code == string(lsapi.CodeNotFound)) {
		code = lsapi.CodeNotFound
	}
	err := lsapi.Errorf(code, "the %s of %s was asked for before with this Idempotency-Key, and is on record as %s", c.Action, c.Member, c.Outcome)
	err.Reason = c.Code
	return err
}
