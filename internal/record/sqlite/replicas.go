package sqlite

import (
	"context"
	"time"

	"lsapi"
	"lsapi/internal/record"
)

// Lead implements Replicas: whoever has the file has nobody to share it with.
func (s *store) Lead(context.Context) (bool, error) { return true, nil }

// Publish implements Replicas: nobody reads it.
func (s *store) Publish(context.Context, time.Time, []lsapi.Membership) error { return nil }

// SharedListing implements Replicas: nobody publishes.
func (s *store) SharedListing(ctx context.Context, _ int64) (lsapi.SharedListing, error) {
	<-ctx.Done()
	return lsapi.SharedListing{}, record.TimedOut(ctx)
}

// ClaimHealth implements Replicas: nobody else asks.
func (s *store) ClaimHealth(context.Context, string, time.Duration) (bool, error) {
	return true, nil
}

// PublishHealth implements Replicas: nobody reads it.
func (s *store) PublishHealth(context.Context, lsapi.HealthReport) error { return nil }

// PublishedHealth implements Replicas: nobody publishes.
func (s *store) PublishedHealth(ctx context.Context, after int64) ([]lsapi.HealthReport, int64, error) {
	<-ctx.Done()
	return nil, after, record.TimedOut(ctx)
}
