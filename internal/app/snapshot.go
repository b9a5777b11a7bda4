package app

import (
	"context"

	"lsapi"
	"lsapi/internal/cloud"
	"lsapi/internal/cloud/budget"
	"lsapi/internal/config"
	"lsapi/internal/observe"
	"lsapi/internal/overlay"
	"lsapi/internal/snapshot"
	"lsapi/internal/telemetry"
	"lsapi/internal/web/elb"
)

func (a *App) startSnapshot(cfg config.Config, aws clients, record timedRecord, recent *overlay.Overlay, found *observe.Inbox, others *replicas, metrics *telemetry.Metrics) *snapshot.Snapshot {
	options := snapshot.Options{
		Kinds: cfg.Kinds, Denied: cloud.LacksPermission,
		AWS:   aws.forRefreshes(cfg.MaxStaleness / 4),
		Named: lister{aws.kinds(), aws.ec2},
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
		PollRate: func() (own, all float64) {
			all = cfg.Budget[string(budget.ELBV2Read)].PerSecond * polledShare
			return all / float64(others.count()), all
		},
		SweepEvery: cfg.Sweep,
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
