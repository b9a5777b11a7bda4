// Package app wires the service. Its parts start in order and stop in reverse. A failed
// start stops the parts that had started.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"

	"lsapi/internal/auth"
	"lsapi/internal/policy"
	"lsapi/internal/telemetry"
)

// App is the running service.
type App struct {
	log    *slog.Logger
	out    *telemetry.Writer // the output of log
	server *Server
	parts  []part // in the order in which they started
	floor  []byte // see newHeapFloor

	users  *auth.Authenticator
	policy *policy.File

	end context.CancelFunc // ends the requests that wait or stream
}

// part is a component to stop.
type part struct {
	name string
	stop func(context.Context) error
}

func (a *App) started(name string, stop func(context.Context) error) {
	a.parts = append(a.parts, part{name, stop})
}

// Addr returns the listen address with its actual port.
func (a *App) Addr() net.Addr { return a.server.Addr() }

// Failed receives the error if serving ends by itself. The caller still calls Stop.
func (a *App) Failed() <-chan error { return a.server.Failed() }

// Stop stops the parts in reverse: it stops accepting requests, waits for those in
// flight, then for the changes that were sent to AWS. When ctx ends, it cuts off the
// rest and returns an error.
func (a *App) Stop(ctx context.Context) error {
	a.log.Info("stopping: waiting for requests and changes in flight")
	a.notifyStopping(ctx)
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
			failures = append(failures, fmt.Errorf("%s: not finished: %w", p.name, err))
		}
	}
	a.parts = nil
	return errors.Join(failures...)
}

// Reload reloads the users file and the policy file in the background. It logs the result.
func (a *App) Reload() {
	a.log.Info("reloading the users file and the policy file")
	go func() {
		for _, reload := range []func() error{a.users.Reload, a.policy.Reload} {
			if err := reload(); err != nil {
				a.log.Error("reload failed", "error", err)
			}
		}
	}()
}
