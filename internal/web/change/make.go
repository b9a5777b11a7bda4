package change

import (
	"context"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// Make makes the change and waits for its effect. Under a reserved key it returns the
// outcome of the change that was made under the key, after the same wait. It sets the
// headers X-Change-Id and Warning. Errors are those of Membership.Change, and:
// CodeInProgress and CodeKeyReused for a reserved key, CodeThrottled if too many requests
// wait, CodeWaitFailed if the change was made and its effect was not confirmed.
func (c *Changer) Make(x *exchange.Exchange, r Request) (Made, error) {
	w, err := c.admitWait(x, r.Wait)
	if err != nil {
		return Made{}, err
	}
	defer w.leave()
	id, at, err := newID()
	if err != nil {
		return Made{}, err
	}
	request := lsapi.Request{
		ID: x.ID, ChangeID: id, At: at,
		Actor: x.Actor, Action: r.Action, Pool: r.Pool, Member: r.Member, Reason: r.Headers.reason,
	}
	ctx, cancel := x.Deadline()
	defer cancel()
	if r.Headers.keyed {
		return c.makeOnce(ctx, x, r, request, w)
	}
	made, _, err := c.carryOut(ctx, x, r, request, w)
	return made, err
}

// makeOnce makes the change unless its key is reserved. Then it returns the outcome of the
// first request, after the same wait.
func (c *Changer) makeOnce(ctx context.Context, x *exchange.Exchange, r Request, request lsapi.Request, w wait) (Made, error) {
	key := lsapi.IdempotencyKey{Actor: request.Actor.Name, Method: x.Request.Method, Path: x.Request.URL.Path, Key: r.Headers.key}
	bodyHash := hashOf(r.Body)
	reserved, err := c.reserve(ctx, key, lsapi.Reservation{ChangeID: request.ChangeID, BodyHash: bodyHash, At: request.At})
	if err != nil {
		return Made{}, err
	}
	if reserved != nil {
		return c.replay(ctx, x, r, reserved, w, bodyHash)
	}
	made, recorded, err := c.carryOut(ctx, x, r, request, w)
	if !recorded {
		c.free(ctx, key, request.ChangeID)
	}
	return made, err
}

// carryOut makes the change and waits for its effect. It also returns whether the change is on
// record, or may still be.
func (c *Changer) carryOut(ctx context.Context, x *exchange.Exchange, r Request, request lsapi.Request, w wait) (made Made, recorded bool, err error) {
	result, err := c.Membership.Change(ctx, request)
	made = Made{Member: result.Member, Instance: result.Instance}
	if result.Recorded {
		made.ChangeID = request.ChangeID
		x.Header().Set("X-Change-Id", request.ChangeID)
	}
	if err != nil {
		if !r.unchanged(lsapi.ErrorCode(err)) {
			return made, result.Recorded || result.Pending, err
		}
		made.Unchanged = true
	}
	made.warn(x, r.Action)
	return made, result.Recorded, c.awaitEffect(x, r, made, w) //nolint:contextcheck // the exchange carries it
}
