package app

import (
	"context"
	"time"

	"lsapi"
	"lsapi/internal/clock"
	"lsapi/internal/cloud"
	"lsapi/internal/cloud/budget"
	"lsapi/internal/cloud/classic"
	"lsapi/internal/cloud/targetgroup"
	"lsapi/internal/config"
	"lsapi/internal/telemetry"
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
	served  []lsapi.Kind
	ec2     *cloud.EC2
	classic *classic.Client
	groups  *targetgroup.Client
}

// kinds returns the adapters of all kinds.
func (c clients) kinds() kinds {
	return kinds{lsapi.KindELB: c.classic, lsapi.KindTG: c.groups}
}

// forRefreshes returns clients with the priority of refreshes.
func (c clients) forRefreshes(raiseAfter time.Duration) lister {
	c.classic, c.groups = c.classic.ForRefreshes(raiseAfter), c.groups.ForRefreshes(raiseAfter)
	return lister{c.kinds(), c.ec2.ForRefreshes(raiseAfter)}
}

// forSettings returns clients with the priority of reads that an answer can leave out: those of
// one target group take up to a call for each listener, and must not delay reads of members.
func (c clients) forSettings() kinds {
	c.classic, c.groups = c.classic.For(budget.Background), c.groups.For(budget.Background)
	return c.kinds()
}

// forLanes returns clients with the priority of lanes.
func (c clients) forLanes(lookups *cloud.Lookups) changer {
	c.classic, c.groups = c.classic.ForLanes(), c.groups.ForLanes()
	return changer{c.kinds(), lookups}
}

// newClients returns clients with the priority Foreground.
func (a *App) newClients(ctx context.Context, cfg config.Config, allowance *budget.Budget, metrics *telemetry.Metrics, available *cloud.Availability, observeDate func(clock.Reading)) (clients, error) {
	common, err := cloud.Configure(ctx, cloud.Options{
		Region:   cfg.Region,
		Endpoint: cfg.AWSEndpoint,
		Budget:   allowance,
		Observe: func(c cloud.Call) {
			metrics.Call(c.Service, c.Name, c.Code, c.Attempts, c.Took)
			available.Observe(c)
		},
		ObserveDate: observeDate,
		Log:         a.log,
	})
	if err != nil { // for a file of the SDK, since its variables are checked before
		return clients{}, &config.Error{Problems: []string{err.Error()}}
	}
	return clients{common, cfg.Kinds, cloud.NewEC2(common), classic.New(common), targetgroup.New(common)}, nil
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

// probeTimeout bounds a probe.
const probeTimeout = 10 * time.Second

// probe makes one AWS call for each kind of pool that is served. The clients' observers handle
// the results.
func (c clients) probe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	adapters := c.kinds()
	for _, kind := range c.served {
		_ = adapters[kind].Probe(ctx)
	}
}
