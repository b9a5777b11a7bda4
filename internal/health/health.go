// Package health polls the health of the members of pools, once for all callers.
//
// A caller that waits for a member follows its pool. A followed pool is polled at one
// interval, however many followers it has on however many replicas: one replica at a
// time holds the right to poll and publishes its reports to the others. A pool whose
// events are watched is polled less often. The intervals grow with the number of polled
// pools, so that the requests per second stay bounded.
//
// Where AWS's answer is whole, as for a target group, a report is one call, and has the
// members of the pool. Otherwise it lacks the draining members, which are looked up by id:
// the recently detached ones, those in the previous report, and those on record.
package health

import (
	"context"
	"log/slog"
	"time"

	"lsapi"
)

// AWS reads health. Calls return when their context ends. CodeNotFound: there is no such
// pool.
type AWS interface {
	// Health reads the health of the members. It is whole if it has those that drain too.
	Health(ctx context.Context, pool lsapi.PoolID) (read lsapi.PoolRead, whole bool, err error)
	// HealthOf returns the health of the given ids, without those that are neither members
	// nor draining.
	HealthOf(ctx context.Context, pool lsapi.PoolID, ids []lsapi.MemberID) ([]lsapi.MemberHealth, error)
}

// Replicas lets one of several replicas poll a pool for all.
type Replicas interface {
	// ClaimHealth claims the right to poll the pool now. It succeeds unless a replica
	// claimed it less than every ago.
	ClaimHealth(ctx context.Context, pool lsapi.PoolID, every time.Duration) (bool, error)
	// PublishHealth publishes a report to the other replicas.
	PublishHealth(ctx context.Context, report lsapi.HealthReport) error
	// PublishedHealth waits for reports published after a version. It returns the latest
	// of each pool, and the highest version. CodeTimeout: ctx ended first.
	PublishedHealth(ctx context.Context, after int64) (reports []lsapi.HealthReport, version int64, err error)
}

// Polled are the pools whose members AWS does not list. Their reports are whole, and have the
// members too.
type Polled interface {
	// Hot returns those that are polled all the time, and the interval.
	Hot() (pools []lsapi.PoolID, every time.Duration)
	// NextToSweep returns the pool to poll once, zero for none, and the pause until the next.
	NextToSweep() (pool lsapi.PoolID, pause time.Duration)
}

// Listener receives every report, whether of an own poll or of another replica's.
type Listener func(report lsapi.HealthReport, own bool)

// Observer receives every report that is based on a poll of this process, for the record.
type Observer interface {
	// ObserveHealth does not wait, and does not change the report.
	ObserveHealth(report lsapi.HealthReport)
}

// Record returns the health that is on record, by member.
type Record interface {
	Health(ctx context.Context, pool lsapi.PoolID) (map[lsapi.MemberID]lsapi.MemberHealth, error)
}

// Options configure a Poller. All but Replicas and Polled are required.
type Options struct {
	// AWS serves polls that a caller waits for, Background the others.
	AWS, Background AWS
	// Replicas are the other replicas. Default: none.
	Replicas Replicas
	Observer Observer
	Record   Record
	// Pools returns the known pools.
	Pools func() []lsapi.PoolID
	// Polled are the pools that are polled for their members. Default: none.
	Polled Polled
	// PerSecond returns the limit of this replica's requests to AWS per second, in the
	// long run.
	PerSecond func() float64
	// Log receives a line when polls of a pool begin to fail and when they succeed
	// again.
	Log *slog.Logger
}

// Stats is the state of a Poller.
type Stats struct {
	// Polls and Failures count the polls of this replica and the failed ones.
	Polls, Failures int
	// Followed counts the pools with followers, Watched the others whose events are watched,
	// and Hot the others that are polled for their members.
	Followed, Watched, Hot int
	// Followers counts the open Followers.
	Followers int
}
