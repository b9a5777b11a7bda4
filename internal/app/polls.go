package app

import (
	"context"
	"slices"
	"time"

	"lsapi"
	"lsapi/internal/fleet"
	"lsapi/internal/health"
)

// polls passes each call to the polls of the pool's kind.
type polls map[lsapi.Kind]*health.Poller

func (p polls) of(pool lsapi.PoolID) *health.Poller { return p[pool.Kind] }

// Follow implements fleet.Health.
func (p polls) Follow(pool lsapi.PoolID) fleet.Follower { return p.of(pool).Follow(pool) }

// FollowDrain implements fleet.Health.
func (p polls) FollowDrain(pool lsapi.PoolID, member lsapi.MemberID, since time.Time, timeout time.Duration) fleet.Follower {
	return p.of(pool).FollowDrain(pool, member, since, timeout)
}

// Recent implements fleet.Health.
func (p polls) Recent(ctx context.Context, pool lsapi.PoolID, maxAge time.Duration) (lsapi.HealthReport, error) {
	return p.of(pool).Recent(ctx, pool, maxAge)
}

// Latest implements fleet.Health.
func (p polls) Latest(pool lsapi.PoolID) (lsapi.HealthReport, bool) { return p.of(pool).Latest(pool) }

// Draining implements fleet.Health.
func (p polls) Draining(instanceID string) []lsapi.DrainingMember {
	var all []lsapi.DrainingMember
	for _, poller := range p {
		all = append(all, poller.Draining(instanceID)...)
	}
	return all
}

// Watch polls a pool, or without a name all of its kind, or all of them for the zero id,
// until end is called.
func (p polls) Watch(pool lsapi.PoolID) (end func()) {
	if pool.Name != "" {
		return p.of(pool).Watch(pool)
	}
	var ends []func()
	for kind, poller := range p {
		if pool.Kind == "" || pool.Kind == kind {
			ends = append(ends, poller.Watch(lsapi.PoolID{}))
		}
	}
	return func() {
		for _, end := range ends {
			end()
		}
	}
}

func ofKind(kind lsapi.Kind, pools []lsapi.PoolID) []lsapi.PoolID {
	return slices.DeleteFunc(pools, func(p lsapi.PoolID) bool { return p.Kind != kind })
}

// reportsOfKind are the reports of the other replicas on pools of a kind.
type reportsOfKind struct {
	health.Replicas
	kind lsapi.Kind
}

// PublishedHealth implements health.Replicas.
func (r reportsOfKind) PublishedHealth(ctx context.Context, after int64) ([]lsapi.HealthReport, int64, error) {
	reports, version, err := r.Replicas.PublishedHealth(ctx, after)
	return slices.DeleteFunc(reports, func(report lsapi.HealthReport) bool { return report.Pool.Kind != r.kind }), version, err
}
