package store

import (
	"context"
	"time"

	"lsapi"
)

// Reserve implements Store.
func (r record) Reserve(ctx context.Context, key lsapi.IdempotencyKey, reservation lsapi.Reservation) (*lsapi.Reservation, error) {
	reservation.At = exact(reservation.At)
	if reservation.At.IsZero() {
		reservation.At = exact(time.Now())
	}
	var taken *lsapi.Reservation
	err := r.update(ctx, func(ctx context.Context, t tables) (err error) {
		if taken, err = t.key(ctx, key); err != nil {
			return err
		}
		if taken != nil && reservation.At.Sub(taken.At) < keyLifetime {
			return nil
		}
		taken = nil
		return t.putKey(ctx, key, reservation)
	})
	if err != nil {
		return nil, err // the update may still be at work
	}
	return taken, nil
}

// Free implements Store.
func (r record) Free(ctx context.Context, key lsapi.IdempotencyKey, changeID string) error {
	return r.update(ctx, func(ctx context.Context, t tables) error { return t.dropKey(ctx, key, changeID) })
}
