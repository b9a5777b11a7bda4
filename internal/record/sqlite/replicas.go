package sqlite

import (
	"context"
	"time"

	"lsapi"
	"lsapi/internal/record"
)

// Lead implements record.Replicas: a file has no replicas.
func (s *store) Lead(context.Context) (bool, error) { return true, nil }

// Publish implements record.Replicas.
func (s *store) Publish(context.Context, time.Time, []lsapi.Membership) error { return nil }

// SharedListing implements record.Replicas: there is none.
func (s *store) SharedListing(ctx context.Context, _ int64) (lsapi.SharedListing, error) {
	<-ctx.Done()
	return lsapi.SharedListing{}, record.TimedOut(ctx)
}

// ClaimHealth implements record.Replicas.
func (s *store) ClaimHealth(context.Context, lsapi.PoolID, time.Duration) (bool, error) {
	return true, nil
}

// PublishHealth implements record.Replicas.
func (s *store) PublishHealth(context.Context, lsapi.HealthReport) error { return nil }

// PublishedHealth implements record.Replicas: there are none.
func (s *store) PublishedHealth(ctx context.Context, after int64) ([]lsapi.HealthReport, int64, error) {
	<-ctx.Done()
	return nil, after, record.TimedOut(ctx)
}
