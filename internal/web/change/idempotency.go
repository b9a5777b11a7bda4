package change

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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

func hashOf(body []byte) string {
	digest := sha256.Sum256(body)
	return hex.EncodeToString(digest[:])
}

// reserve reserves the key, also from a change that never began.
func (c *Changer) reserve(ctx context.Context, key lsapi.IdempotencyKey, r lsapi.Reservation) (reserved *lsapi.Reservation, err error) {
	reserved, err = c.Keys.Reserve(ctx, key, r)
	if err != nil || reserved == nil {
		return nil, err
	}
	idle, err := c.neverBegan(ctx, reserved)
	if err != nil || !idle {
		return reserved, err
	}
	if err := c.Keys.Free(ctx, key, reserved.ChangeID); err != nil {
		return nil, err
	}
	return c.Keys.Reserve(ctx, key, r)
}

// neverBegan reports whether the reservation's change has no effect, and never will.
func (c *Changer) neverBegan(ctx context.Context, reserved *lsapi.Reservation) (bool, error) {
	_, err := c.Record.Change(ctx, reserved.ChangeID)
	if lsapi.ErrorCode(err) == lsapi.CodeNotFound {
		return time.Since(reserved.At) > c.Timeout+keyGrace, nil
	}
	return false, err
}

// free frees the key, also if the client has left.
func (c *Changer) free(ctx context.Context, key lsapi.IdempotencyKey, changeID string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), freeTimeout)
	defer cancel()
	if err := c.Keys.Free(ctx, key, changeID); err != nil {
		c.Log.WarnContext(ctx, "an idempotency key could not be freed; it is taken until it expires", "change_id", changeID, "error", err)
	}
}

// replay returns the change's final outcome.
func (c *Changer) replay(ctx context.Context, x *exchange.Exchange, r Request, reserved *lsapi.Reservation, w wait, bodyHash string) (Made, error) {
	if reserved.BodyHash != bodyHash {
		return Made{}, lsapi.Errorf(lsapi.CodeKeyReused, "the Idempotency-Key was sent before with another body")
	}
	first, err := c.Record.Change(ctx, reserved.ChangeID)
	if lsapi.ErrorCode(err) == lsapi.CodeNotFound {
		return Made{}, inProgress("is in progress")
	}
	if err != nil {
		return Made{}, err
	}
	x.Header().Set("X-Change-Id", first.ID)
	made := Made{ChangeID: first.ID, Member: first.Member, Instance: first.Instance}
	switch first.Outcome {
	case "":
		return made, inProgress("is in progress")
	case lsapi.OutcomeFailed, lsapi.OutcomeWithdrawn: // after the key was reserved
		return made, inProgress("has just ended, and nothing was changed; the key is free now")
	case lsapi.OutcomeApplied:
	default:
		if !r.unchanged(outcomeCodes[first.Outcome]) {
			return made, outcomeError(first)
		}
		made.Unchanged = true
	}
	made.warn(x, r.Action)
	return made, c.awaitEffect(x, r, made, w) //nolint:contextcheck // the exchange carries it
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

// poolAbsent are the codes of changes that were refused because there is no such pool: AWS's
// for each kind, and lsapi's.
var poolAbsent = map[string]bool{"LoadBalancerNotFound": true, "TargetGroupNotFound": true, string(lsapi.CodeNotFound): true}

// outcomeError returns the error of a recorded change that was not applied.
func outcomeError(c lsapi.Change) error {
	code := outcomeCodes[c.Outcome]
	if c.Outcome == lsapi.OutcomeRefused && poolAbsent[c.Code] {
		code = lsapi.CodeNotFound
	}
	err := lsapi.Errorf(code, "the %s of %s was asked for before with this Idempotency-Key, and is on record as %s", c.Action, c.Member, c.Outcome)
	err.Reason = c.Code
	return err
}
