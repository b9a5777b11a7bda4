package store

import (
	"context"
	"time"

	"lsapi"
)

// Lead implements Replicas: whoever has the file has nobody to share it with.
func (s *sqliteStore) Lead(context.Context) (bool, error) { return true, nil }

// Publish implements Replicas: nobody reads it.
func (s *sqliteStore) Publish(context.Context, time.Time, []lsapi.Membership) error { return nil }

// Published implements Replicas: nobody publishes.
func (s *sqliteStore) Published(ctx context.Context, _ int64) (lsapi.Published, error) {
	<-ctx.Done()
	return lsapi.Published{}, errGivenUp(ctx)
}
