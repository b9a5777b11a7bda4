package app

import (
	"context"
	"time"

	"lsapi"
	"lsapi/internal/cloud"
	"lsapi/internal/cloud/budget"
	"lsapi/internal/config"
	"lsapi/internal/httpapi"
	"lsapi/internal/membership"
	"lsapi/internal/snapshot"
	"lsapi/internal/store"
	"lsapi/internal/telemetry"
)

// newBudget returns the allowance of AWS requests.
func newBudget(cfg config.Config, metrics *telemetry.Metrics) (*budget.Budget, error) {
	sizes := make(budget.Sizes, len(cfg.Budget))
	for category, bucket := range cfg.Budget {
		sizes[budget.Category(category)] = budget.Size{Burst: bucket.Burst, PerSecond: bucket.PerSecond}
	}
	allowance, err := budget.New(sizes)
	if err == nil {
		showBudget(metrics, allowance)
	}
	return allowance, err
}

// newCloud returns a client of AWS that keeps to the budget.
func newCloud(ctx context.Context, cfg config.Config, allowance *budget.Budget, metrics *telemetry.Metrics) (*cloud.Client, error) {
	return cloud.New(ctx, cloud.Options{
		Region:   cfg.Region,
		Endpoint: cfg.AWSEndpoint,
		Budget:   allowance,
		Observe:  func(c cloud.Call) { metrics.Call(c.Operation, outcome(c.Code), c.Attempts, c.Took) },
	})
}

// startMembership starts the record, the lanes, and the snapshot that shows what
// they do, and has requests handled by them. In direct mode there is none of it.
func (a *App) startMembership(ctx context.Context, cfg config.Config, metrics *telemetry.Metrics, handling *httpapi.Options) error {
	allowance, err := newBudget(cfg, metrics)
	if err != nil {
		return err
	}
	aws, err := newCloud(ctx, cfg, allowance, metrics)
	if err != nil {
		return err
	}
	if cfg.Mode == config.ModeDirect {
		handling.Membership = membership.NewDirect(aws.For(budget.WaitingReader))
		return nil
	}
	others := newReplicas(allowance, metrics, a.log)
	defer others.meet(nil) // whom a start that fails leaves waiting
	record, err := a.startRecord(ctx, cfg, metrics, others)
	if err != nil {
		return err
	}
	var lists *snapshot.Snapshot
	members := a.startLanes(aws, record, metrics, func() *snapshot.Snapshot { return lists }) //nolint:contextcheck // they outlive the start
	lists = a.startSnapshot(cfg, aws, record, members, metrics)
	if err := members.Start(ctx); err != nil {
		return &StoreError{err}
	}
	others.meet(members)
	handling.Membership, handling.Lists = members, lists
	handling.Record, handling.Keys = record, record
	handling.RecordReads = store.Readers - 1 // so that the lanes find one free
	handling.Ready = ready(record, lists)
	return nil
}

// startLanes starts the lanes. The snapshot that they tell of what they do comes
// after them, for it asks them in turn.
func (a *App) startLanes(aws *cloud.Client, record membership.Record, metrics *telemetry.Metrics, lists func() *snapshot.Snapshot) *membership.Service {
	base, cancel := context.WithCancel(context.Background())
	a.started("lookups", func(context.Context) error { cancel(); return nil })
	members := membership.New(aws.ForLanes(base), membership.Options{
		Record:   record,
		Log:      a.log,
		Observer: metrics,
		Exists: func(ctx context.Context, loadBalancer string) error {
			return lists().Exists(ctx, loadBalancer)
		},
		Applied: func(loadBalancer string, attached, detached []lsapi.Instance) {
			lists().Applied(loadBalancer, attached, detached)
		},
	})
	a.started("changes", members.Close)
	showLanes(metrics, members)
	return members
}

func (a *App) startSnapshot(cfg config.Config, aws *cloud.Client, record timedRecord, members *membership.Service, metrics *telemetry.Metrics) *snapshot.Snapshot {
	options := snapshot.Options{
		AWS:   aws.ForRefreshes(cfg.MaxStaleness / 4),
		Named: aws.For(budget.WaitingReader),
		Encode: func(members []lsapi.Instance) lsapi.Representation {
			return httpapi.EncodeList(httpapi.Envelope(cfg.Envelope), members)
		},
		Overlay:         members.Overlay,
		CatchUp:         members.CatchUp,
		Saw:             members.Saw,
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
	showSnapshot(metrics, lists)
	return lists
}
