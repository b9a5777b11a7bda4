package postgres

import (
	"context"
	"time"

	"lsapi"
	"lsapi/internal/record/postgres/postgresdb"
)

// Clock returns the time by the database's clock, which all replicas share. A record
// in a file has no clock but that of its machine, and no such method.
func (s *store) Clock(ctx context.Context) (time.Time, error) {
	var now time.Time
	err := s.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) (err error) {
		now, err = q.Clock(ctx)
		return err
	})
	return now, err
}

// Unfinished implements Store. It also makes an end of stamps of a clock that was
// set back, after which they would count as recent until it is that late again.
func (s *store) Unfinished(ctx context.Context, within time.Duration) ([]string, error) {
	var names, ahead []string
	err := s.read(ctx, 1, func(t []*tables) (err error) {
		if names, err = t[0].Unfinished(ctx, within); err == nil {
			ahead, err = t[0].queries.Ahead(ctx)
		}
		return err
	})
	if err != nil || len(ahead) == 0 {
		return names, err
	}
	err = s.write(ctx, func(ctx context.Context, t *tables) error { return t.queries.Restamp(ctx) })
	if lsapi.ErrorCode(err) == lsapi.CodeUnavailable {
		return names, nil // until the database can be written they count as recent
	}
	return names, err
}
