package app

import (
	"context"

	"lsapi"
	"lsapi/internal/clock"
	"lsapi/internal/cloud"
	"lsapi/internal/config"
	"lsapi/internal/membership"
	"lsapi/internal/observe"
	"lsapi/internal/overlay"
	"lsapi/internal/snapshot"
	"lsapi/internal/telemetry"
	"lsapi/internal/web"
)

// startMembership starts the record, the snapshot, the polls and the lanes, and adds them
// to handling.
func (a *App) startMembership(ctx context.Context, cfg config.Config, metrics *telemetry.Metrics, handling *web.Options) error {
	allowance := newBudget(cfg, metrics)
	available, clocks := &cloud.Availability{}, a.newClocks(cfg.SharedStore(), metrics)
	aws, err := a.newClients(ctx, cfg, allowance, metrics, available, func(date clock.Reading) { clocks.Observe(awsClock, date) })
	if err != nil {
		return err
	}
	recent := overlay.New(overlay.DefaultWindow)
	others := newReplicas(allowance, recent, metrics, a.log)
	record, err := a.startRecord(ctx, cfg, metrics, others)
	if err != nil {
		return err
	}
	compare := a.startClock(ctx, record.Store, clocks, aws)
	reads := startReads{record.Store}
	if err := a.untilReachable(ctx, func(ctx context.Context) error { return recent.Restore(ctx, reads) }); err != nil {
		return err
	}
	found := observe.New(recent, record, a.log)
	a.started("findings of reads", found.Close)
	lists := a.startSnapshot(cfg, aws, record, recent, found, others, metrics)
	polls := a.startAllPolls(cfg, aws, record, recent, found, lists, others, metrics)
	tags := a.startTags(aws)
	guards := a.startGuards(tags, metrics)
	members := a.startLanes(aws, guards, record, recent, found, lists, metrics)
	var recorded []lsapi.PoolID
	err = a.untilReachable(ctx, func(ctx context.Context) (err error) {
		recorded, err = reads.Populated(ctx)
		return err
	})
	if err != nil {
		return err
	}
	lists.Expect(recorded) // finds out what was deleted meanwhile
	a.startFleet(aws, tags, guards, record, recent, lists, polls, metrics, handling)
	a.startNotifications(cfg, aws, record, tags, lists, polls, metrics, handling.Version)
	a.startPreflight(aws, available, clocks)
	handling.Membership = &clockedMembership{lanes: members, clocks: clocks, compare: compare}
	handling.Lists = lists
	handling.Record, handling.Keys = record, record
	handling.Ready = readiness(metrics, []check{ //nolint:contextcheck // the metrics ask outside of a request
		{"record", record.Ready},
		{"clock", immediate(clocks.Check)},
		{"aws", immediate(available.Check)},
		{"reads", immediate(lists.Ready)},
	})
	return nil
}

func (a *App) startLanes(aws clients, guards membership.Guards, record timedRecord, recent *overlay.Overlay, found *observe.Inbox, lists *snapshot.Snapshot, metrics *telemetry.Metrics) *membership.Service {
	lookups := aws.ec2.ForLanes()
	a.started("instance lookups", lookups.Close)
	members := membership.New(aws.forLanes(lookups), membership.Options{
		Record:  record,
		Overlay: recent,
		Inbox:   found,
		Pools:   lists,
		Guards:  guards,
		Metrics: metrics,
		Log:     a.log,
	})
	members.Start()
	a.started("changes", members.Close)
	registerLaneMetrics(metrics, members)
	return members
}
