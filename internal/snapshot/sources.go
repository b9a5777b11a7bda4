package snapshot

import (
	"context"
	"iter"
	"time"

	"lsapi"
)

// AWS reads the cloud. Every call, and every page of a listing, ends within some seconds.
type AWS interface {
	// Pools lists the pools of a kind page by page. An error is the last pair.
	Pools(ctx context.Context, kind lsapi.Kind) iter.Seq2[[]lsapi.Pool, error]
	// Members reads the members of a pool. CodeNotFound: it does not exist.
	Members(ctx context.Context, pool lsapi.PoolID) (lsapi.PoolRead, error)
	// Instances returns the instances that exist, by id.
	Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error)
	// AllInstances lists the region's instances page by page. An error is the
	// last pair.
	AllInstances(ctx context.Context) iter.Seq2[[]lsapi.Instance, error]
}

// Overlay holds the recent changes, which AWS may not show yet.
type Overlay interface {
	// Over lays them over the ids that a read from began on returned.
	Over(pool lsapi.PoolID, ids []lsapi.MemberID, began time.Time) []lsapi.MemberID
	// CatchUp adds the changes of other replicas until now. Each fresh read calls it
	// before it returns.
	CatchUp(ctx context.Context, pool lsapi.PoolID) error
	// CatchUpAll does the same for all pools.
	CatchUpAll(ctx context.Context) error
}

// Observer receives what reads found.
type Observer interface {
	// Observe receives the result of each read, and when it began, before readers do. It
	// must not modify the members.
	Observe(pool lsapi.PoolID, read lsapi.PoolRead, began time.Time)
	// ObserveGone receives each pool that existed and that a read from began on did not
	// find.
	ObserveGone(pool lsapi.PoolID, began time.Time)
}

// Metrics counts refreshes.
type Metrics interface {
	// Refresh counts one by its error code, empty for none, and its duration.
	Refresh(code lsapi.Code, took time.Duration)
}

// Replicas lets one of several replicas list the region for all.
type Replicas interface {
	// Lead acquires or renews the lease of refreshes; false: another replica holds it. The
	// holder renews it about every second.
	Lead(ctx context.Context) (bool, error)
	// Publish publishes a listing of a kind, or its failure, which leaves the pools as they
	// are.
	Publish(ctx context.Context, listed lsapi.KindListing, all []lsapi.Membership) error
	// SharedListing waits for a listing of a kind after a version, and returns the difference.
	SharedListing(ctx context.Context, kind lsapi.Kind, after int64) (lsapi.SharedListing, error)
}
