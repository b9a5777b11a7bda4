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
	"lsapi/internal/policy"
	"lsapi/internal/record/sqlite"
	"lsapi/internal/snapshot"
	"lsapi/internal/telemetry"
	"lsapi/internal/web"
	v1 "lsapi/internal/web/v1"
)

const (
	// healthShare is the share of the Classic ELB read rate for polls of health. The rest is
	// for lists.
	healthShare = 0.5
	// polledShare is the share of the read rate of ELB version 2 for polls of target groups,
	// and followedShare that for waits and event streams. The rest is for lists and for
	// readers.
	polledShare   = 0.5
	followedShare = 0.25
)

// watchTimeout bounds a background poll for event streams. After it, a waiting request
// may need the poll.
const watchTimeout = 10 * time.Second

// startAllPolls starts the polls of each kind, which have rates of their own.
func (a *App) startAllPolls(cfg config.Config, aws clients, record timedRecord, recent *overlay.Overlay, found *observe.Inbox, lists *snapshot.Snapshot, others *replicas, metrics *telemetry.Metrics) polls {
	start := func(kind lsapi.Kind, o health.Options, perSecond float64) *health.Poller {
		o.Observer, o.Record, o.Log = found, record, a.log
		o.Pools = func() []lsapi.PoolID { return ofKind(kind, lists.Pools()) }
		o.PerSecond = func() float64 { return perSecond / float64(others.count()) }
		if cfg.SharedStore() {
			o.Replicas = reportsOfKind{record, kind}
		}
		poller := health.New(o)
		poller.Listen(lists.Reported)
		poller.Start()
		a.started("polls of health", poller.Close)
		registerHealthMetrics(metrics, poller, kind)
		return poller
	}
	all := polls{
		lsapi.KindELB: start(lsapi.KindELB, health.Options{
			AWS: aws.classic, Background: aws.classic.ForRefreshes(watchTimeout),
		}, cfg.Budget[string(budget.ELBRead)].PerSecond*healthShare),
		lsapi.KindTG: start(lsapi.KindTG, health.Options{
			AWS: aws.groups, Background: aws.groups.ForRefreshes(watchTimeout), Polled: lists,
		}, cfg.Budget[string(budget.ELBV2Read)].PerSecond*followedShare),
	}
	recent.Listen(func(pool lsapi.PoolID, _, detached []lsapi.Member) { all.of(pool).Detached(pool, detached) })
	return all
}

// startFleet starts the views of pools, the waits for members, and the event streams.
func (a *App) startFleet(aws clients, tags *fleet.Tags, guards *policy.Guards, changes timedRecord, recent *overlay.Overlay, lists *snapshot.Snapshot, polls polls, metrics *telemetry.Metrics, handling *web.Options) {
	views := fleet.New(fleet.Options{
		Lists: lists, Health: polls, Settings: aws.forSettings(), Tags: tags, Guards: guards, Instances: aws.ec2,
		Record: changes, Lag: recent.Window(), Reads: fleetReads, Log: a.log,
	})
	recent.Listen(views.Changed) // after the lists
	views.Start()
	registerHeadroomMetrics(metrics, views)
	a.started("reads of pools", views.Close)
	handling.Fleet = views
	handling.RecordReads = sqlite.Readers - fleetReads - 1 // leaves one connection for the lanes
	handling.Exists = exists(lists)
	handling.Events = events.New(events.Options{
		Record: changes, Encode: v1.EncodeEvent, Watch: polls.Watch, Touch: lists.Touch, Log: a.log,
	})
	registerEventMetrics(metrics, handling.Events)
}

// startTags starts the cache of tags, which guards and views share.
func (a *App) startTags(aws clients) *fleet.Tags {
	aws.classic, aws.groups = aws.classic.ForLanes(), aws.groups.ForLanes()
	tags := fleet.NewTags(aws.kinds(), aws.forSettings())
	tags.Start()
	a.started("reads of tags", tags.Close)
	return tags
}

// exists returns CodeNotFound for a pool that does not exist. While AWS is
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
