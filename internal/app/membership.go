package app

import (
	"context"
	"time"

	"lsapi"
	"lsapi/internal/background"
	"lsapi/internal/clock"
	"lsapi/internal/cloud"
	"lsapi/internal/cloud/budget"
	"lsapi/internal/cloud/classic"
	"lsapi/internal/cloud/targetgroup"
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

// clients are the clients of AWS.
type clients struct {
	config  cloud.Config
	ec2     *cloud.EC2
	classic *classic.Client
	groups  *targetgroup.Client
	denied  map[lsapi.Kind]*background.Outage
}

// kinds returns the adapters of all kinds.
func (c clients) kinds() kinds {
	return kinds{map[lsapi.Kind]adapter{lsapi.KindELB: c.classic, lsapi.KindTG: c.groups}, c.denied}
}

// forRefreshes returns clients with the priority of refreshes.
func (c clients) forRefreshes(raiseAfter time.Duration) lister {
	c.classic, c.groups = c.classic.ForRefreshes(raiseAfter), c.groups.ForRefreshes(raiseAfter)
	return lister{c.kinds(), c.ec2.ForRefreshes(raiseAfter)}
}

// forLanes returns clients with the priority of lanes.
func (c clients) forLanes(lookups *cloud.Lookups) changer {
	c.classic, c.groups = c.classic.ForLanes(), c.groups.ForLanes()
	return changer{c.kinds(), lookups}
}

// newClients returns clients with the priority Foreground.
func (a *App) newClients(ctx context.Context, cfg config.Config, allowance *budget.Budget, metrics *telemetry.Metrics, available *cloud.Availability, clocks *clock.Monitor) (clients, error) {
	common, err := cloud.Configure(ctx, cloud.Options{
		Region:   cfg.Region,
		Endpoint: cfg.AWSEndpoint,
		Budget:   allowance,
		Observe: func(c cloud.Call) {
			metrics.Call(c.Service, c.Name, c.Code, c.Attempts, c.Took)
			available.Observe(c)
		},
		ObserveDate: func(date clock.Reading) { clocks.Observe(awsClock, date) },
		Log:         a.log,
	})
	if err != nil { // for a file of the SDK, since its variables are checked before
		return clients{}, &config.Error{Problems: []string{err.Error()}}
	}
	work := background.New()
	a.started("listings of kinds", work.Close)
	return clients{common, cloud.NewEC2(common), classic.New(common), targetgroup.New(common), newDenied(work, a.log)}, nil
}

// lister lists pools and instances, and reads them by name.
type lister struct {
	kinds
	*cloud.EC2
}

// changer makes and reads what a lane needs.
type changer struct {
	kinds
	*cloud.Lookups
}

// startMembership starts the record, the snapshot, the polls and the lanes, and adds them
// to handling.
func (a *App) startMembership(ctx context.Context, cfg config.Config, metrics *telemetry.Metrics, handling *web.Options) error {
	allowance := newBudget(cfg, metrics)
	available, clocks := &cloud.Availability{}, a.newClocks(cfg.SharedStore(), metrics)
	aws, err := a.newClients(ctx, cfg, allowance, metrics, available, clocks)
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
	a.startFleet(aws, record, recent, lists, polls, metrics, handling)
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

func (a *App) startLanes(aws clients, record timedRecord, recent *overlay.Overlay, found *observe.Inbox, lists *snapshot.Snapshot, metrics *telemetry.Metrics) *membership.Service {
	lookups := aws.ec2.ForLanes()
	a.started("instance lookups", lookups.Close)
	members := membership.New(aws.forLanes(lookups), membership.Options{
		Record:  record,
		Overlay: recent,
		Inbox:   found,
		Pools:   lists,
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

func (a *App) startSnapshot(cfg config.Config, aws clients, record timedRecord, recent *overlay.Overlay, found *observe.Inbox, others *replicas, metrics *telemetry.Metrics) *snapshot.Snapshot {
	options := snapshot.Options{
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
