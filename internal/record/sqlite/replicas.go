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
func (s *store) Publish(context.Context, lsapi.KindListing, []lsapi.Membership) error { return nil }

// SharedListing implements record.Replicas: there is none.
func (s *store) SharedListing(ctx context.Context, _ lsapi.Kind, _ int64) (lsapi.SharedListing, error) {
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

// ClaimDelivery implements record.Deliveries: the owner of the file sends. The claims of
// former owners have no effect.
func (s *store) ClaimDelivery(ctx context.Context, receiver, _ string) (lsapi.Delivery, bool, error) {
	if _, err := s.owned(); err != nil {
		return lsapi.Delivery{}, false, nil //nolint:nilerr // a standby does not send
	}
	return s.Claim(ctx, receiver, deliveryHolder, deliveryLease)
}

// SaveDelivery implements record.Deliveries.
func (s *store) SaveDelivery(ctx context.Context, receiver, _ string, d lsapi.Delivery) error {
	return s.Record.SaveDelivery(ctx, receiver, deliveryHolder, d)
}

// ReleaseDelivery implements record.Deliveries: the lock of the file is what others wait
// for.
func (s *store) ReleaseDelivery(context.Context, string, string) error { return nil }
