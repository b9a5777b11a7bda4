package app

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"

	"lsapi/internal/cloud"
	"lsapi/internal/cloud/classic"
	"lsapi/internal/cloud/targetgroup"
	"lsapi/internal/config"
	"lsapi/internal/connlimit"
	"lsapi/internal/telemetry"
	"lsapi/internal/web"
	"lsapi/internal/web/elb"
)

// Options configure the service.
type Options struct {
	Config config.Config
	// Log is the output of the log.
	Log io.Writer
	// Color colours the log, for a terminal.
	Color   bool
	Version string
	// Listen opens the listener. Nil listens on Config.Listen.
	Listen func(context.Context) (net.Listener, error)
}

// Start starts the service and returns once it listens. It does not depend on AWS: the
// service also starts while AWS is unreachable.
//
// Errors: *ListenError if the address cannot be bound, *StoreError if the record of
// changes cannot be opened.
func Start(ctx context.Context, o Options) (*App, error) {
	out := telemetry.NewWriter(o.Log)
	stopping, end := context.WithCancel(context.Background())
	a := &App{log: newLogger(o, out), out: out, floor: newHeapFloor(), end: end}
	if err := a.start(ctx, stopping, o); err != nil {
		end()
		return nil, errors.Join(err, a.stop(ctx))
	}
	a.log.Info("listening", "address", a.Addr().String(), "region", o.Config.Region,
		"aws", cmp.Or(o.Config.AWSEndpoint, "amazonaws.com"), "version", o.Version)
	a.notifyReady()
	return a, nil
}

func (a *App) start(ctx, stopping context.Context, o Options) error {
	cfg := o.Config
	metrics := telemetry.NewMetrics(o.Version)
	registerLogMetrics(metrics, a.out)
	metrics.Expect() // for alerts and dashboards
	for _, o := range slices.Concat(classic.Operations(), targetgroup.Operations(), cloud.EC2Operations()) {
		metrics.ExpectCalls(o.Service, o.Name)
	}
	authenticator, err := a.startAuth(cfg, metrics)
	if err != nil {
		return err
	}
	if err := a.startPolicy(cfg, metrics); err != nil {
		return err
	}
	handling := web.Options{
		Version:        o.Version,
		Authenticator:  authenticator,
		Overrides:      a.policy,
		Log:            a.log,
		Envelope:       elb.Envelope(cfg.Envelope),
		RequestTimeout: cfg.RequestTimeout,
		TrustedProxies: cfg.TrustedProxies,
		Observe:        metrics.Request,
		Expect:         metrics.ExpectRequests,
		Metrics:        metrics.Handler(),
		MetricsPublic:  cfg.MetricsPublic,
		Stopping:       stopping,
		Spare:          connlimit.Spare,
	}
	connections, err := maxConnections(a.log)
	if err != nil {
		return err
	}
	handling.MaxLongRequests = min(connections-connections/4, maxLongRequests)
	if err := a.startMembership(ctx, cfg, metrics, &handling); err != nil {
		return err
	}
	handler := web.New(handling) //nolint:contextcheck // each exchange carries its own
	listen := o.Listen
	if listen == nil {
		listen = func(ctx context.Context) (net.Listener, error) { return Listen(ctx, cfg.Listen) }
	}
	listener, err := listen(ctx)
	if err != nil {
		return err
	}
	listener = limitConnections(listener, connections, a.log, metrics)
	a.server = Serve(listener, handler, cfg.RequestTimeout, a.log)
	a.started("requests", a.server.Stop)
	a.started("streams of events", handling.Events.Close) // ends them before Stop waits for requests
	return nil
}

func newLogger(o Options, out io.Writer) *slog.Logger {
	return telemetry.NewLogger(out, telemetry.LogOptions{
		Format: string(o.Config.LogFormat),
		Level:  o.Config.LogLevel,
		Color:  o.Color,
	})
}
