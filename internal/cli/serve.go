package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"lsapi/internal/app"
	"lsapi/internal/auth"
	"lsapi/internal/cloud"
	"lsapi/internal/config"
	"lsapi/internal/policy"
	"lsapi/internal/systemd"
)

func newServe(p Process) *cobra.Command {
	command := newCommand("serve")
	config.AddFlags(command.Flags())
	command.RunE = func(c *cobra.Command, _ []string) (err error) {
		defer func() { notifyFailure(err) }()
		sources := config.Sources{
			Flags:          c.Flags(),
			Environ:        p.Environ,
			EnvFile:        config.DefaultEnvFile,
			CheckToken:     auth.CheckToken,
			CheckUsersFile: auth.CheckUsersFile,
			CheckPolicy:    policy.Check,
			CheckAWS:       cloud.CheckVariables,
		}
		cfg, err := config.Load(sources)
		if err != nil {
			return err
		}
		if err := cfg.Export(); err != nil {
			return fmt.Errorf("set the variables of the .env file: %w", err)
		}
		return located(serve(c.Context(), p, cfg), sources)
	}
	return command
}

func serve(ctx context.Context, p Process, cfg config.Config) error {
	signals := catchSignals()
	defer signals.release()
	starting, cancel := signals.untilStop(ctx)
	service, err := app.Start(starting, app.Options{
		Config:  cfg,
		Log:     p.Stderr,
		Color:   colors(p, p.Stderr),
		Version: versionText(),
	})
	cancel()
	if err != nil {
		return signals.unlessStopped(startError(err))
	}
	return signals.runUntilStopped(ctx, service, cfg.ShutdownTimeout, service.Reload)
}

// notifyFailure shows the error in systemctl status, which not every user may read the log of.
func notifyFailure(err error) {
	if err != nil {
		_ = systemd.Failed(err) // the caller prints the error
	}
}

// startError gives an unreachable database its own status: a later start may succeed
// with the same configuration.
func startError(err error) error {
	if record, ok := errors.AsType[*app.StoreError](err); ok && record.Unreachable() {
		return statusError{err, ExitUnreachable}
	}
	return err
}
