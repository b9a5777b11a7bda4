package app

import (
	"context"

	"lsapi"
	"lsapi/internal/clock"
	"lsapi/internal/cloud"
	"lsapi/internal/cloud/budget"
	"lsapi/internal/config"
	"lsapi/internal/membership"
	"lsapi/internal/observe"
	"lsapi/internal/overlay"
	"lsapi/internal/snapshot"
	"lsapi/internal/telemetry"
	"lsapi/internal/web"
	"lsapi/internal/web/elb"
)

func newBudget(cfg config.Config, metrics *telemetry.Metrics) *budget.Budget {
	sizes := make(budget.Sizes, len(cfg.Budget))
	for category, bucket := range cfg.Budget {
		sizes[budget.Category(category)] = budget.Size{Burst: bucket.Burst, PerSecond: bucket.PerSecond}
	}
	allowance := budget.New(sizes)
	registerBudgetMetrics(metrics, allowance)
	return allowance
}

func (a *App) newCloud(ctx context.Context, cfg config.Config, allowance *budget.Budget, metrics *telemetry.Metrics, available *cloud.Availability, clocks *clock.Monitor) (*cloud.Client, error) {
	aws, err := cloud.New(ctx, cloud.Options{
		Region:   cfg.Region,
		Endpoint: cfg.AWSEndpoint,
		Budget:   allowance,
		Observe: func(c cloud.Call) {
			metrics.Call(c.Operation, c.Code, c.Attempts, c.Took)
			available.Observe(c)
		},
		ObserveDate: func(date clock.Reading) { clocks.Observe(awsClock, date) },
		Log:         a.log,
	})
	if err != nil { // for a file of the SDK, since its variables are checked before
		return nil, &config.Error{Problems: []string{err.Error()}}
	}
	return aws, nil
}

// startMembership starts the record, the snapshot, the polls and the lanes, and adds them
// to handling.
func (a *App) startMembership(ctx context.Context, cfg config.Config, metrics *telemetry.Metrics, handling *web.Options) error {
	allowance := newBudget(cfg, metrics)
	available, clocks := &cloud.Availability{}, a.newClocks(cfg.SharedStore(), metrics)
	aws, err := a.newCloud(ctx, cfg, allowance, metrics, available, clocks)
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
	lists := a.startSnapshot(cfg, aws, record, recent, found, metrics)
	polls := a.startPolls(cfg, aws, record, recent, found, lists, others, metrics)
	members := a.startLanes(aws, record, recent, found, lists, metrics)
	var recorded []lsapi.PoolID
	err = a.untilReachable(ctx, func(ctx context.Context) (err error) {
		recorded, err = reads.Populated(ctx)
		return err
	})
	if err != nil {
		return err
	}
	lists.Expect(recorded) // finds out what was deleted meanwhile
	a.startFleet(aws, record, lists, polls, metrics, handling)
	a.startPreflight(aws, available, clocks)
	handling.Membership = &clockedMembership{Membership: members, clocks: clocks, compare: compare}
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

func (a *App) startLanes(aws *cloud.Client, record timedRecord, recent *overlay.Overlay, found *observe.Inbox, lists *snapshot.Snapshot, metrics *telemetry.Metrics) *membership.Service {
	writes := aws.ForLanes()
	a.started("instance lookups", writes.Close)
	members := membership.New(writes, membership.Options{
		Record:  record,
		Overlay: recent,
		Inbox:   found,
		Exists:  lists.Exists,
		Metrics: metrics,
		Log:     a.log,
	})
	members.Start()
	a.started("changes", members.Close)
	registerLaneMetrics(metrics, members)
	return members
}

// recordedOverlay is an overlay that catches up from the record.
type recordedOverlay struct {
	*overlay.Overlay
	record overlay.Record
}

// CatchUp implements snapshot.Overlay.
func (o recordedOverlay) CatchUp(ctx context.Context, pool lsapi.PoolID) error {
	return o.Overlay.CatchUp(ctx, o.record, pool)
}

// CatchUpAll implements snapshot.Overlay.
func (o recordedOverlay) CatchUpAll(ctx context.Context) error {
	return o.Restore(ctx, o.record)
}

func (a *App) startSnapshot(cfg config.Config, aws *cloud.Client, record timedRecord, recent *overlay.Overlay, found *observe.Inbox, metrics *telemetry.Metrics) *snapshot.Snapshot {
	options := snapshot.Options{
		AWS:   aws.ForRefreshes(cfg.MaxStaleness / 4),
		Named: aws.For(budget.Foreground),
		Encode: func(members []lsapi.Member) lsapi.EncodedList {
			return elb.EncodeList(elb.Envelope(cfg.Envelope), members)
		},
		Overlay:         recordedOverlay{recent, record},
		Observer:        found,
		Metrics:         metrics,
		Log:             a.log,
		MaxStaleness:    cfg.MaxStaleness,
		MaxStaleOnError: cfg.MaxStaleOnError,
		IdleAfter:       cfg.IdleAfter,
	}
	if cfg.SharedStore() {
		options.Replicas = record
	}
	lists := snapshot.New(options)
	recent.Listen(lists.Applied)
	lists.Start()
	a.started("reads", lists.Close)
	registerSnapshotMetrics(metrics, lists)
	return lists
}
