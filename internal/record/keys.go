package record

import (
	"context"
	"slices"
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
		ended, err := endsReservation(ctx, t, taken.ChangeID)
		if err != nil {
			return nil, err
		}
		if !ended {
			taken.At = time.Now().Add(-max(0, steady.Sub(taken.At)))
			return taken, nil
		}
	}
	reservation.At = Exact(now)
	return nil, t.PutKey(ctx, key, reservation)
}

// endsReservation reports whether the change or the bulk of an id is on record, and frees
// its key. Changes of a bulk are freed together.
func endsReservation(ctx context.Context, t Tables, id string) (bool, error) {
	c, err := t.Change(ctx, id)
	if err != nil {
		return false, err
	}
	if c != nil {
		return c.FreesKey(), nil
	}
	bulk, err := t.Find(ctx, lsapi.ChangeFilter{Bulk: id, Limit: maxChanges})
	if err != nil || len(bulk) == 0 {
		return false, err
	}
	return !slices.ContainsFunc(bulk, func(c ChangeRow) bool { return !c.FreesKey() }), nil
}

// Free implements Store.
func (r Record) Free(ctx context.Context, key lsapi.IdempotencyKey, changeID string) error {
	return r.Update(ctx, func(ctx context.Context, t Tables) error { return t.DropKey(ctx, key, changeID) })
}
