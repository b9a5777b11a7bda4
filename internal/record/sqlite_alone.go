package record

import (
	"context"
	"time"

	"lsapi"
)

// Lead implements Replicas: whoever has the file has nobody to share it with.
func (s *sqliteStore) Lead(context.Context) (bool, error) { return true, nil }

// Publish implements Replicas: nobody reads it.
func (s *sqliteStore) Publish(context.Context, time.Time, []lsapi.Membership) error { return nil }

// SharedListing implements Replicas: nobody publishes.
func (s *sqliteStore) SharedListing(ctx context.Context, _ int64) (lsapi.SharedListing, error) {
	<-ctx.Done()
	return lsapi.SharedListing{}, errGivenUp(ctx)
}

// ClaimHealth implements Replicas: nobody else asks.
func (s *sqliteStore) ClaimHealth(context.Context, string, time.Duration) (bool, error) {
	return true, nil
}

// PublishHealth implements Replicas: nobody reads it.
func (s *sqliteStore) PublishHealth(context.Context, lsapi.HealthReport) error { return nil }

// PublishedHealth implements Replicas: nobody publishes.
func (s *sqliteStore) PublishedHealth(ctx context.Context, after int64) ([]lsapi.HealthReport, int64, error) {
	<-ctx.Done()
	return nil, after, errGivenUp(ctx)
}
