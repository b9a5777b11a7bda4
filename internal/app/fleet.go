package app

import (
	"context"
	"time"

	"lsapi"
	"lsapi/internal/cloud/budget"
	"lsapi/internal/config"
	"lsapi/internal/events"
	"lsapi/internal/fleet"
	"lsapi/internal/health"
	"lsapi/internal/observe"
	"lsapi/internal/overlay"
	"lsapi/internal/record/sqlite"
	"lsapi/internal/snapshot"
	"lsapi/internal/telemetry"
	"lsapi/internal/web"
	v1 "lsapi/internal/web/v1"
)

// healthShare is the share of the Classic ELB read rate for polls of health. The rest
// is for lists.
const healthShare = 0.5

// watchTimeout bounds a background poll for event streams. After it, a waiting request
// may need the poll.
const watchTimeout = 10 * time.Second

func (a *App) startPolls(cfg config.Config, aws clients, record timedRecord, recent *overlay.Overlay, found *observe.Inbox, lists *snapshot.Snapshot, others *replicas, metrics *telemetry.Metrics) *health.Poller {
	perSecond := cfg.Budget[string(budget.ELBRead)].PerSecond * healthShare
	options := health.Options{
		AWS:        aws.classic,
		Background: aws.classic.ForRefreshes(watchTimeout),
		Observer:   found,
		Record:     record,
		Pools:      lists.Pools,
		PerSecond:  func() float64 { return perSecond / float64(max(1, others.live.Load())) },
		Log:        a.log,
	}
	if cfg.SharedStore() {
		options.Replicas = record
	}
	polls := health.New(options)
	recent.Listen(func(pool lsapi.PoolID, _, detached []lsapi.Member) { polls.Detached(pool, detached) })
	polls.Start()
	a.started("polls of health", polls.Close)
	registerHealthMetrics(metrics, polls)
	return polls
}

// startFleet starts the views of load balancers, the waits for members, and the event
// streams.
func (a *App) startFleet(aws clients, changes timedRecord, lists *snapshot.Snapshot, polls *health.Poller, metrics *telemetry.Metrics, handling *web.Options) {
	views := fleet.New(fleet.Options{
		Lists: lists, Health: followers{polls}, Settings: aws.classic, Instances: aws.ec2,
		Record: changes, Reads: fleetReads, Log: a.log,
	})
	a.started("reads of load balancers", views.Close)
	handling.Fleet = views
	handling.RecordReads = sqlite.Readers - fleetReads - 1 // leaves one connection for the lanes
	handling.Exists = exists(lists)
	handling.Events = events.New(events.Options{
		Record: changes, Encode: v1.EncodeEvent, Watch: polls.Watch, Touch: lists.Touch, Log: a.log,
	})
	registerEventMetrics(metrics, handling.Events)
}

// exists returns CodeNotFound for a load balancer that does not exist. While AWS is
// unreachable it returns nil, so that event streams can start.
func exists(lists *snapshot.Snapshot) v1.Exists {
	return func(ctx context.Context, pool lsapi.PoolID) error {
		if _, err := lists.One(ctx, pool, false); lsapi.ErrorCode(err) == lsapi.CodeNotFound {
			return err
		}
		return nil
	}
}

// fleetReads is the number of concurrent reads of the record by package fleet.
const fleetReads = 1

// followers adapts health.Poller to fleet.
type followers struct{ *health.Poller }

func (f followers) Follow(pool lsapi.PoolID) fleet.Follower { return f.Poller.Follow(pool) }

func (f followers) FollowDrain(pool lsapi.PoolID, member lsapi.MemberID, since time.Time, timeout time.Duration) fleet.Follower {
	return f.Poller.FollowDrain(pool, member, since, timeout)
}
