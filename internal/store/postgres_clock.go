package store

import (
	"context"
	"time"

	"lsapi/internal/store/postgresdb"
)

// Clock returns the time by the database's clock, which all replicas share. A record
// in a file has no clock but that of its machine, and no such method.
func (s *postgresStore) Clock(ctx context.Context) (time.Time, error) {
	var now time.Time
	err := s.ask(ctx, func(ctx context.Context, q *postgresdb.Queries) (err error) {
		now, err = q.Clock(ctx)
		return err
	})
	return now, err
}
