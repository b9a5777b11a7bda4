package record

import (
	"context"
	"time"
)

// PruneAt prunes as of a time, which Prune never takes from anybody.
func PruneAt(ctx context.Context, s Store, now time.Time, keep time.Duration) error {
	return recordOf(s).pruneAt(ctx, now, keep)
}

// AgeKeys makes all idempotency keys older.
func AgeKeys(ctx context.Context, s Store, by time.Duration) error {
	return recordOf(s).update(ctx, func(ctx context.Context, t tables) error {
		switch t := t.(type) {
		case *sqliteTables:
			_, err := t.db.ExecContext(ctx, "UPDATE idempotency_keys SET at = at - ?", by.Microseconds())
			return err
		case *postgresTables:
			_, err := t.db.Exec(ctx, "UPDATE idempotency_keys SET at = at - $1::bigint * interval '1 microsecond'", by.Microseconds())
			return err
		}
		panic("an engine without tables")
	})
}

func recordOf(s Store) record {
	if p, ok := s.(*postgresStore); ok {
		return p.record
	}
	return s.(*sqliteStore).record
}

// CountKeys counts the idempotency keys that are kept.
func CountKeys(ctx context.Context, s Store) (int, error) {
	var n int
	err := recordOf(s).update(ctx, func(ctx context.Context, t tables) error {
		const query = "SELECT count(*) FROM idempotency_keys"
		if t, ok := t.(*postgresTables); ok {
			return t.db.QueryRow(ctx, query).Scan(&n)
		}
		return t.(*sqliteTables).db.QueryRowContext(ctx, query).Scan(&n)
	})
	return n, err
}

// ForgetProof makes Ready try.
func ForgetProof(s Store) {
	if p, ok := s.(*postgresStore); ok {
		p.proof.at.Store(nil)
		return
	}
	s.(*sqliteStore).proof.at.Store(nil)
}

// BelieveClock makes a replica hold the database's clock to the reading that it was so
// much behind at first.
func BelieveClock(s Store, behind time.Duration) {
	s.(*postgresStore).clock.start(time.Now().Add(-behind))
}
