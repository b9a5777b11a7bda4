package app

import (
	"context"
	"time"

	"lsapi"
	"lsapi/internal/clock"
	"lsapi/internal/cloud"
	"lsapi/internal/cloud/budget"
	"lsapi/internal/config"
	"lsapi/internal/health"
	"lsapi/internal/membership"
	"lsapi/internal/snapshot"
	"lsapi/internal/telemetry"
	"lsapi/internal/web"
	"lsapi/internal/web/elb"
)

func newBudget(cfg config.Config, metrics *telemetry.Metrics) (*budget.Budget, error) {
	sizes := make(budget.Sizes, len(cfg.Budget))
	for category, bucket := range cfg.Budget {
		sizes[budget.Category(category)] = budget.Size{Burst: bucket.Burst, PerSecond: bucket.PerSecond}
	}
	allowance, err := budget.New(sizes)
	if err == nil {
		registerBudgetMetrics(metrics, allowance)
	}
	return allowance, err
}

func (a *App) newCloud(ctx context.Context, cfg config.Config, allowance *budget.Budget, metrics *telemetry.Metrics, available *cloud.Availability, clocks *clock.Monitor) (*cloud.Client, error) {
	return cloud.New(ctx, cloud.Options{
		Region:   cfg.Region,
		Endpoint: cfg.AWSEndpoint,
		Budget:   allowance,
		Observe: func(c cloud.Call) {
			metrics.Call(c.Operation, outcome(c.Code), c.Attempts, c.Took)
			available.Observe(c)
		},
		ObserveDate: observeDate(clocks),
		Log:         a.log,
	})
}

// startMembership starts the record, the lanes, the snapshot and the polls, and adds
// them to handling.
func (a *App) startMembership(ctx context.Context, cfg config.Config, metrics *telemetry.Metrics, handling *web.Options) error {
	allowance, err := newBudget(cfg, metrics)
	if err != nil {
		return err
	}
	available, clocks := &cloud.Availability{}, a.newClocks(cfg.SharedStore(), metrics)
	aws, err := a.newCloud(ctx, cfg, allowance, metrics, available, clocks)
	if err != nil {
		return err
	}
	others := newReplicas(allowance, metrics, a.log)
	defer others.setMembers(nil) // unblocks apply after a failed start
	record, err := a.startRecord(ctx, cfg, metrics, others)
	if err != nil {
		return err
	}
	compare := a.startClock(ctx, record.Store, clocks, aws)
	var shown showing
	members := a.startLanes(aws, record, metrics, &shown)
	shown.lists = a.startSnapshot(cfg, aws, record, members, metrics)
	shown.polls = a.startPolls(cfg, aws, record, members, shown.lists, others, metrics)
	if err := members.Start(ctx); err != nil {
		return &StoreError{err}
	}
	recorded, err := record.Populated(ctx)
	if err != nil {
		return &StoreError{err}
	}
	shown.lists.Expect(recorded) // what was deleted while nobody looked is found out
	others.setMembers(members)
	a.startFleet(aws, record, shown.lists, shown.polls, metrics, handling)
	a.startPreflight(aws, available, clocks)
	handling.Membership = &clockedMembership{Membership: members, clocks: clocks, compare: compare}
	handling.Lists = shown.lists
	handling.Record, handling.Keys = record, record
	handling.Ready = readiness(metrics, []check{ //nolint:contextcheck // the metrics ask outside of a request
		{"record", record.Ready},
		{"clock", immediate(clocks.Check)},
		{"aws", immediate(available.Check)},
		{"reads", immediate(shown.lists.Ready)},
	})
	return nil
}

// showing is who shows what the lanes do. They come after the lanes, because they
// ask them in turn.
type showing struct {
	lists *snapshot.Snapshot
	polls *health.Poller
}

func (s *showing) applied(loadBalancer string, attached, detached []lsapi.Instance) {
	s.lists.Applied(loadBalancer, attached, detached)
	s.polls.Detached(loadBalancer, detached)
}

// startLanes starts the lanes. They are idle until shown is complete.
func (a *App) startLanes(aws *cloud.Client, record timedRecord, metrics *telemetry.Metrics, shown *showing) *membership.Service {
	writes := aws.ForLanes()
	a.started("instance lookups", writes.Close)
	members := membership.New(writes, membership.Options{
		Record:   record,
		Recorded: record.Health,
		Log:      a.log,
		Observer: metrics,
		Exists: func(ctx context.Context, loadBalancer string) error {
			return shown.lists.Exists(ctx, loadBalancer)
		},
		Applied: shown.applied,
	})
	a.started("changes", members.Close)
	registerLaneMetrics(metrics, members)
	return members
}

func (a *App) startSnapshot(cfg config.Config, aws *cloud.Client, record timedRecord, members *membership.Service, metrics *telemetry.Metrics) *snapshot.Snapshot {
	options := snapshot.Options{
		AWS:   aws.ForRefreshes(cfg.MaxStaleness / 4),
		Named: aws.For(budget.Foreground),
		Encode: func(members []lsapi.Instance) lsapi.EncodedList {
			return elb.EncodeList(elb.Envelope(cfg.Envelope), members)
		},
		Overlay:         members.Overlay,
		CatchUp:         members.CatchUp,
		Saw:             members.Saw,
		Gone:            members.Gone,
		Log:             a.log,
		Observe:         func(code lsapi.Code, took time.Duration) { metrics.Refresh(outcome(code), took) },
		MaxStaleness:    cfg.MaxStaleness,
		MaxStaleOnError: cfg.MaxStaleOnError,
		IdleAfter:       cfg.IdleAfter,
	}
	if cfg.SharedStore() {
		options.Replicas = record
	}
	lists := snapshot.New(options)
	lists.Start()
	a.started("reads", lists.Close)
	registerSnapshotMetrics(metrics, lists)
	return lists
}
