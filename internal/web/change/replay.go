package change

import (
	"context"
	"slices"

	"lsapi"
	"lsapi/api/status"
	"lsapi/internal/web/exchange"
)

// lookAtChange returns the change of a reservation, nil if it is not on record.
func (c *Changer) lookAtChange(ctx context.Context, first *lsapi.Reservation) (found *lsapi.Change, spent bool, err error) {
	change, err := c.Record.Change(ctx, first.ChangeID)
	switch {
	case lsapi.ErrorCode(err) == lsapi.CodeNotFound:
		return nil, c.neverBegan(first), nil
	case err != nil:
		return nil, false, err
	}
	return &change, change.FreesKey(), nil
}

// replay returns the change's final outcome.
func (c *Changer) replay(x *exchange.Exchange, r *Request, first *lsapi.Change, w wait) (Made, error) {
	if first == nil {
		return Made{}, errInProgress()
	}
	x.Header().Set("X-Change-Id", first.ID)
	made := Made{ChangeID: first.ID, Member: first.Member, Instance: first.Instance, Guard: first.Guard}
	if first.Outcome == "" {
		return made, errInProgress()
	}
	if first.Outcome != lsapi.OutcomeApplied {
		err := outcomeError(first)
		if !r.unchanged(err.Code) {
			return made, r.undoError(err)
		}
		made.Unchanged = true
	}
	made.warn(x, r.Action)
	return made, c.awaitEffect(x, r, made, w)
}

// outcomeCodes are the codes of the final outcomes, except applied.
var outcomeCodes = map[lsapi.Outcome]lsapi.Code{
	lsapi.OutcomeConflict:  lsapi.CodeConflict,
	lsapi.OutcomeRefused:   lsapi.CodeInvalid,
	lsapi.OutcomeUnknown:   lsapi.CodeTimeout,
	lsapi.OutcomeFailed:    lsapi.CodeUpstream,
	lsapi.OutcomeWithdrawn: lsapi.CodeTimeout,
}

// poolAbsent are AWS's codes for a pool that does not exist.
var poolAbsent = []string{"LoadBalancerNotFound", "TargetGroupNotFound"}

// outcomeError returns the error of a recorded change that was not applied.
func outcomeError(c *lsapi.Change) *lsapi.Error {
	code, known := outcomeCodes[c.Outcome], slices.Contains(status.Codes(), lsapi.Code(c.Code))
	switch {
	case c.Outcome == lsapi.OutcomeRefused && slices.Contains(poolAbsent, c.Code):
		code = lsapi.CodeNotFound
	case known && (c.Outcome == lsapi.OutcomeRefused || c.Outcome == lsapi.OutcomeFailed):
		code = lsapi.Code(c.Code)
	}
	err := lsapi.Errorf(code, "the %s of %s was asked for before with this Idempotency-Key, and is on record as %s", c.Action, c.Member, c.Outcome)
	if c.Guard != nil && !c.Guard.Overridden {
		err.Message += " by a guard: " + c.Guard.Rule
	}
	err.Reason = c.Code
	return err
}
