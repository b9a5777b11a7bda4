package record

import (
	"context"
	"time"

	"lsapi"
)

// Reserve implements Store. Reservations are stamped and expire by the record's clock.
func (r Record) Reserve(ctx context.Context, key lsapi.IdempotencyKey, reservation lsapi.Reservation) (*lsapi.Reservation, error) {
	var taken *lsapi.Reservation
	err := r.Update(ctx, func(ctx context.Context, t Tables) (err error) {
		taken, err = reserve(ctx, t, key, reservation)
		return err
	})
	if err != nil {
		return nil, err
	}
	return taken, nil
}

func reserve(ctx context.Context, t Tables, key lsapi.IdempotencyKey, reservation lsapi.Reservation) (*lsapi.Reservation, error) {
	taken, err := t.Key(ctx, key)
	if err != nil {
		return nil, err
	}
	now, steady, _, err := t.Times(ctx)
	if err != nil {
		return nil, err
	}
	if taken != nil && steady.Sub(taken.At) < keyLifetime {
		c, err := t.Change(ctx, taken.ChangeID)
		if err != nil {
			return nil, err
		}
		// A change that certainly changed nothing, because lsapi or AWS was unable to,
		// frees its key for a retry. A refusal or conflict is an answer, and does not.
		if c == nil || c.Outcome != lsapi.OutcomeFailed && c.Outcome != lsapi.OutcomeWithdrawn {
			taken.At = time.Now().Add(-max(0, steady.Sub(taken.At)))
			return taken, nil
		}
	}
	reservation.At = Exact(now)
	return nil, t.PutKey(ctx, key, reservation)
}

// Free implements Store.
func (r Record) Free(ctx context.Context, key lsapi.IdempotencyKey, changeID string) error {
	return r.Update(ctx, func(ctx context.Context, t Tables) error { return t.DropKey(ctx, key, changeID) })
}
