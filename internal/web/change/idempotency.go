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
	// reserveAttempts is how often a spent key is reserved anew before its request is sent
	// away: another one may be faster.
	reserveAttempts = 2
)

// reservation is an idempotency key with what reserves it.
type reservation struct {
	key lsapi.IdempotencyKey
	by  lsapi.Reservation
}

// keyOf returns the key of a request whose change, or bulk, has the id.
func (c *Changer) keyOf(x *exchange.Exchange, t *Terms, id string, at time.Time) reservation {
	digest := sha256.Sum256(t.Body)
	return reservation{
		key: lsapi.IdempotencyKey{Actor: x.Actor.Name, Method: x.Request.Method, Path: x.Request.URL.Path, Key: t.key},
		by:  lsapi.Reservation{ChangeID: id, BodyHash: hex.EncodeToString(digest[:]), At: at},
	}
}

// original is a request under a key. S is what is on record of the one that reserved it.
type original[S, T any] struct {
	// carryOut carries it out. kept is whether something of it is on record, or may still be.
	carryOut func() (made T, kept bool, err error)
	// look returns what is on record, and whether the key is spent: the first request has
	// no effect that its caller could need.
	look func(ctx context.Context, first *lsapi.Reservation) (found S, spent bool, err error)
	// replay returns what the first request did.
	replay func(found S) (T, error)
}

// once carries a request out unless its key is reserved. Then it replays the first one.
func once[S, T any](ctx context.Context, c *Changer, r reservation, o original[S, T]) (made T, err error) {
	for range reserveAttempts {
		first, err := c.Keys.Reserve(ctx, r.key, r.by)
		if err != nil {
			return made, err
		}
		if first == nil {
			made, kept, err := o.carryOut()
			if !kept {
				c.free(ctx, r)
			}
			return made, err
		}
		found, spent, err := o.look(ctx, first)
		switch {
		case err != nil:
			return made, err
		case !spent && first.BodyHash != r.by.BodyHash:
			return made, lsapi.Errorf(lsapi.CodeKeyReused, "the Idempotency-Key was sent before with another body")
		case !spent:
			return o.replay(found)
		}
		if err := c.Keys.Free(ctx, r.key, first.ChangeID); err != nil {
			return made, err
		}
	}
	return made, errInProgress()
}

// free frees the key, also if the client has left.
func (c *Changer) free(ctx context.Context, r reservation) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), freeTimeout)
	defer cancel()
	if err := c.Keys.Free(ctx, r.key, r.by.ChangeID); err != nil {
		c.Log.WarnContext(ctx, "an idempotency key could not be freed; it is taken until it expires", "change_id", r.by.ChangeID, "error", err)
	}
}

// neverBegan reports whether a request without a trace on record never will have one.
func (c *Changer) neverBegan(first *lsapi.Reservation) bool {
	return time.Since(first.At) > c.Timeout+keyGrace
}

// errInProgress is the answer to a request to be sent again soon.
func errInProgress() error {
	return &lsapi.Error{
		Code: lsapi.CodeInProgress, RetryAfter: repeatAfter,
		Message: "the request that was sent first with this Idempotency-Key is in progress",
	}
}
