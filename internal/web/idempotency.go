package web

import (
	"context"
	"time"

	"lsapi"
)

// Keys are the idempotency keys that are taken.
type Keys interface {
	// Reserve takes a key, durably, and returns nil; or, when it is taken, what
	// for. A key whose change has certainly changed nothing is free, unless that is
	// the answer to its request.
	Reserve(ctx context.Context, key lsapi.IdempotencyKey, r lsapi.Reservation) (taken *lsapi.Reservation, err error)
	// Free gives a key back that is taken for the change.
	Free(ctx context.Context, key lsapi.IdempotencyKey, changeID string) error
}

const (
	// keyGrace is how much longer than its request a key stays taken for a change
	// that the record does not know: its process has died before it began.
	keyGrace = 30 * time.Second
	// freeTimeout bounds the giving back of a key, for which nobody waits.
	freeTimeout = 5 * time.Second
	// repeatAfter is what a caller is told to wait whose first request is under
	// way: about as long as AWS takes.
	repeatAfter = time.Second
)

// carryOutOnce makes the change unless the key is taken: then it tells what became
// of the change that it is taken for, and waits for its effect like the first caller.
func (s *server) carryOutOnce(ctx context.Context, x *exchange, wish lsapi.Request, patience time.Duration, key, bodyHash string) error {
	full := lsapi.IdempotencyKey{Actor: wish.Actor.Name, Method: x.request.Method, Path: x.request.URL.Path, Key: key}
	taken, err := s.reserve(ctx, full, lsapi.Reservation{ChangeID: wish.ChangeID, BodyHash: bodyHash, At: wish.At})
	if err != nil {
		return err
	}
	if taken != nil {
		return s.replay(ctx, x, taken, patience, bodyHash)
	}
	recorded, err := s.carryOut(ctx, x, wish, patience)
	if !recorded {
		s.free(ctx, full, wish.ChangeID)
	}
	return err
}

// reserve takes the key. One that is taken for a change that never began is as good
// as free.
func (s *server) reserve(ctx context.Context, key lsapi.IdempotencyKey, r lsapi.Reservation) (taken *lsapi.Reservation, err error) {
	taken, err = s.keys.Reserve(ctx, key, r)
	if err != nil || taken == nil {
		return nil, err
	}
	idle, err := s.neverBegan(ctx, taken)
	if err != nil || !idle {
		return taken, err
	}
	if err := s.keys.Free(ctx, key, taken.ChangeID); err != nil {
		return nil, err
	}
	return s.keys.Reserve(ctx, key, r)
}

// neverBegan reports whether nothing was done, nor will be, for who has taken a
// key.
func (s *server) neverBegan(ctx context.Context, taken *lsapi.Reservation) (bool, error) {
	_, err := s.changes.Change(ctx, taken.ChangeID)
	if lsapi.ErrorCode(err) == lsapi.CodeNotFound {
		return time.Since(taken.At) > s.timeout+keyGrace, nil
	}
	return false, err
}

// free gives the key back although the caller may have left.
func (s *server) free(ctx context.Context, key lsapi.IdempotencyKey, changeID string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), freeTimeout)
	defer cancel()
	if err := s.keys.Free(ctx, key, changeID); err != nil {
		s.log.WarnContext(ctx, "an idempotency key could not be freed; it is taken until it expires", "change_id", changeID, "error", err)
	}
}

// replay answers as the change was answered, or would have been if its caller had
// waited.
func (s *server) replay(ctx context.Context, x *exchange, taken *lsapi.Reservation, patience time.Duration, bodyHash string) error {
	if taken.BodyHash != bodyHash {
		return lsapi.Errorf(lsapi.CodeKeyReused, "the Idempotency-Key was sent before with another body")
	}
	change, err := s.changes.Change(ctx, taken.ChangeID)
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
	case lsapi.OutcomeFailed, lsapi.OutcomeWithdrawn: // since the key was looked at
		return inProgress("has just ended, and nothing was changed; the key is free now")
	case lsapi.OutcomeApplied:
		made := lsapi.Request{Action: change.Action, LoadBalancer: change.LoadBalancer, InstanceID: change.InstanceID}
		return s.sendDone(x, made, change.Instance, patience) //nolint:contextcheck // the exchange carries it
	}
	return outcomeError(change)
}

// inProgress is the answer to a request that is to be sent again in a moment.
func inProgress(how string) error {
	return &lsapi.Error{
		Code: lsapi.CodeInProgress, RetryAfter: repeatAfter,
		Message: "the request that was sent first with this Idempotency-Key " + how,
	}
}

// outcomeCodes are the codes of the final outcomes that keep a key, but success.
var outcomeCodes = map[lsapi.Outcome]lsapi.Code{
	lsapi.OutcomeConflict: lsapi.CodeConflict,
	lsapi.OutcomeRefused:  lsapi.CodeInvalid,
	lsapi.OutcomeUnknown:  lsapi.CodeTimeout,
}

// noLoadBalancer is AWS's code for a load balancer that does not exist.
const noLoadBalancer = "LoadBalancerNotFound"

// outcomeError tells that a change was not applied, from what the record has.
func outcomeError(c lsapi.Change) error {
	code := outcomeCodes[c.Outcome]
	if c.Outcome == lsapi.OutcomeRefused && (c.Code == noLoadBalancer || c.Code == string(lsapi.CodeNotFound)) {
		code = lsapi.CodeNotFound
	}
	err := lsapi.Errorf(code, "the %s of %s was asked for before with this Idempotency-Key, and is on record as %s", c.Action, c.InstanceID, c.Outcome)
	err.Reason = c.Code
	return err
}
