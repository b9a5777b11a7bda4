// Package app wires the service together. Its parts start in order and stop in
// reverse, and a start that fails stops what had started.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"

	"lsapi/internal/auth"
	"lsapi/internal/config"
	"lsapi/internal/connlimit"
	"lsapi/internal/httpapi"
	"lsapi/internal/telemetry"
)

// Options say how to run the service.
type Options struct {
	Config config.Config
	// Log is where log lines go.
	Log io.Writer
	// Color is whether they are coloured, for a terminal.
	Color bool
	// Version is told at the start.
	Version string
	// Listen opens the listener. Nil opens Config.Listen.
	Listen func(context.Context) (net.Listener, error)
}

// App is the running service.
type App struct {
	log    *slog.Logger
	out    *telemetry.Writer // what log writes to
	server *Server
	parts  []part // in the order in which they started
	floor  []byte // see newHeapFloor

	users *auth.Authenticator

	end context.CancelFunc // sends away who waits for a load balancer
}

// part is something that must be stopped.
type part struct {
	name string
	stop func(context.Context) error
}

// Start starts the service and returns once it listens. AWS is not asked
// anything: the service starts, and says so to its callers, when AWS is away.
//
// Errors: a *ListenError when the address cannot be had, a *StoreError when the
// record of changes cannot be opened.
func Start(ctx context.Context, o Options) (*App, error) {
	out := telemetry.NewWriter(o.Log)
	stopping, end := context.WithCancel(context.Background())
	a := &App{log: newLogger(o, out), out: out, floor: newHeapFloor(), end: end}
	if err := a.start(ctx, stopping, o); err != nil {
		end()
		return nil, errors.Join(err, a.stop(ctx))
	}
	a.log.Info("listening", "address", a.Addr().String(), "region", o.Config.Region,
		"aws", endpointName(o.Config), "version", o.Version)
	return a, nil
}

func (a *App) start(ctx, stopping context.Context, o Options) error {
	cfg := o.Config
	metrics := telemetry.NewMetrics(o.Version)
	showLog(metrics, a.out)
	expectSeries(metrics)
	authenticator, err := a.startAuth(cfg, metrics)
	if err != nil {
		return err
	}
	handling := httpapi.Options{
		Version:        o.Version,
		Authenticator:  authenticator,
		Log:            a.log,
		Envelope:       httpapi.Envelope(cfg.Envelope),
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
	handling.MaxLasting = min(connections-connections/4, maxLasting)
	if err := a.startMembership(ctx, cfg, metrics, &handling); err != nil {
		return err
	}
	handler := httpapi.New(handling)
	listen := o.Listen
	if listen == nil {
		listen = func(ctx context.Context) (net.Listener, error) { return Listen(ctx, cfg.Listen) }
	}
	listener, err := listen(ctx)
	if err != nil {
		return err
	}
	listener = limited(listener, connections, a.log, metrics)
	a.server = Serve(listener, handler, cfg.RequestTimeout, a.log)
	a.started("requests", a.server.Stop)
	a.startStreams(handling.Events)
	return nil
}

func (a *App) started(name string, stop func(context.Context) error) {
	a.parts = append(a.parts, part{name, stop})
}

// Addr returns the address that is served, its real port included.
func (a *App) Addr() net.Addr { return a.server.Addr() }

// Failed gives the error with which serving ended, if it ended by itself. The
// rest still wants to be stopped then.
func (a *App) Failed() <-chan error { return a.server.Failed() }

// Stop stops the parts in reverse: no request is accepted any more, those under
// way are answered, then the changes that were sent to AWS are seen to their
// end. What has not ended when ctx does is cut off, and the error says so.
func (a *App) Stop(ctx context.Context) error {
	a.log.Info("stopping: no more requests; those under way, and their changes, are seen to the end")
	a.end()
	err := a.stop(ctx)
	if err == nil {
		a.log.Info("stopped")
	}
	return errors.Join(err, a.out.Flush())
}

func (a *App) stop(ctx context.Context) error {
	var failures []error
	for _, p := range slices.Backward(a.parts) {
		if err := p.stop(ctx); err != nil {
			failures = append(failures, fmt.Errorf("%s were under way: %w", p.name, err))
		}
	}
	a.parts = nil
	return errors.Join(failures...)
}

// Reload reads the users file again, without waiting for it. The log says what came
// of it.
func (a *App) Reload() {
	a.log.Info("reloading the users file")
	go func() {
		if err := a.users.Reload(); err != nil {
			a.log.Error("reload failed", "error", err)
		}
	}()
}

func newLogger(o Options, out io.Writer) *slog.Logger {
	return telemetry.NewLogger(out, telemetry.LogOptions{
		Format: string(o.Config.LogFormat),
		Level:  o.Config.LogLevel,
		Color:  o.Color,
	})
}

// endpointName tells a person which AWS is asked.
func endpointName(cfg config.Config) string {
	if cfg.AWSEndpoint != "" {
		return cfg.AWSEndpoint
	}
	return "amazonaws.com"
}
