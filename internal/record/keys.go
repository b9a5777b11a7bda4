package record

import (
	"context"
	"time"

	"lsapi"
)

// Reserve implements Store. Reservations are stamped, and expire, by the record's
// clock, and are returned with their times on this process's.
func (r Record) Reserve(ctx context.Context, key lsapi.IdempotencyKey, reservation lsapi.Reservation) (*lsapi.Reservation, error) {
	var taken *lsapi.Reservation
	err := r.Update(ctx, func(ctx context.Context, t Tables) (err error) {
		taken, err = reserve(ctx, t, key, reservation)
		return err
	})
	if err != nil {
		return nil, err // the update may still be at work
	}
	return taken, nil
}

func reserve(ctx context.Context, t Tables, key lsapi.IdempotencyKey, reservation lsapi.Reservation) (*lsapi.Reservation, error) {
	taken, err := t.Key(ctx, key)
	if err != nil {
		return nil, err
	}
	now, steady, err := t.Clocks(ctx)
	if err != nil {
		return nil, err
	}
	if taken != nil && steady.Sub(taken.At) < keyLifetime {
		held, err := holds(ctx, t, taken.ChangeID)
		if err != nil {
			return nil, err
		}
		if held {
			taken.At = time.Now().Add(-max(0, steady.Sub(taken.At)))
			return taken, nil
		}
	}
	reservation.At = Exact(now)
	return nil, t.PutKey(ctx, key, reservation)
}

// holds reports whether a change keeps the key that is reserved for it: one that has
// certainly changed nothing, because lsapi or AWS could not, does not, so that it can
// be tried again. That AWS refused it, or that there was nothing to do, is an answer.
func holds(ctx context.Context, t Tables, changeID string) (bool, error) {
	c, err := t.Change(ctx, changeID)
	if err != nil || c == nil {
		return true, err
	}
	return c.Outcome != lsapi.OutcomeFailed && c.Outcome != lsapi.OutcomeWithdrawn, nil
}

// Free implements Store.
func (r Record) Free(ctx context.Context, key lsapi.IdempotencyKey, changeID string) error {
	return r.Update(ctx, func(ctx context.Context, t Tables) error { return t.DropKey(ctx, key, changeID) })
}
