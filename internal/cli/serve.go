package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"lsapi/internal/app"
	"lsapi/internal/auth"
	"lsapi/internal/config"
)

const serveHelp = `Serve the HTTP API.

Settings come from flags, environment variables, the .env file and defaults, in this
order of precedence. The help of each flag names its variable. The .env file holds
NAME=value lines, and may also set variables of the AWS SDK, TZ and others.

A users file (--users-file) gives each person and script a name, which appears in the
log and the record. Create it with htpasswd -B. Changes apply without a restart. An
invalid file is rejected and logged; the previous users stay active.

These variables have no flag, because every user of the machine can read arguments:

  API_TOKEN               credentials of one user, required unless there is a
                          users file: base64 of user:password, made by
                            printf '%s' 'user:password' | base64
  AWS_ACCESS_KEY_ID,      credentials for AWS, unless the SDK finds others: a
  AWS_SECRET_ACCESS_KEY   profile, an instance role, a session token

SIGTERM and SIGINT stop the service after the requests and changes in flight finish. A
second signal, more than a second after the first, stops it immediately, with status 1.
SIGHUP reloads the users file.

If the database of the record is unreachable, the start retries for 15 s.

Exit status: 0 stopped on request, 1 failed or stopped by force, 2 wrong usage or
configuration, 5 the database of the record is unreachable.`

const serveExample = `  export API_TOKEN="$(printf '%s' 'user:password' | base64)"
  lsapi serve --listen 127.0.0.1:8000

  # with a users file
  htpasswd -B -c users alice
  lsapi serve --users-file users

  # with lsapi emulator instead of AWS
  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
  lsapi serve --aws-endpoint http://127.0.0.1:4566`

func newServe(p Process) *cobra.Command {
	command := &cobra.Command{
		Use:     "serve",
		Short:   "Serve the HTTP API",
		Long:    serveHelp,
		Example: serveExample,
		Args:    cobra.NoArgs,
	}
	config.AddFlags(command.Flags())
	command.RunE = func(c *cobra.Command, _ []string) error {
		sources := config.Sources{
			Flags:          c.Flags(),
			Environ:        p.Environ,
			EnvFile:        config.DefaultEnvFile,
			CheckToken:     auth.CheckToken,
			CheckUsersFile: auth.CheckUsersFile,
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

// startError gives an unreachable database its own status: a later start may succeed
// with the same configuration.
func startError(err error) error {
	if record, ok := errors.AsType[*app.StoreError](err); ok && record.Unreachable() {
		return statusError{err, ExitUnreachable}
	}
	return err
}
