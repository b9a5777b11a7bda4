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

Flags win over environment variables, these over the .env file, it over the
defaults. Each flag names its variable. The .env file holds NAME=value lines, and
may carry variables for the AWS SDK, TZ and the like as well.

A file of users (--users-file) gives each person and script a name of their own,
which the log and the record show. Make it with htpasswd -B; add and change users
at any time. An invalid file is rejected: the previous users stay active, and the log
says so.

What has no flag, because arguments can be read by every user of the machine:

  API_TOKEN               what clients authenticate with, required unless there
                          is a file of users: base64 of user:password, made by
                            printf '%s' 'user:password' | base64
  AWS_ACCESS_KEY_ID,      credentials for AWS, unless the SDK finds others: a
  AWS_SECRET_ACCESS_KEY   profile, an instance role, a session token

SIGTERM and SIGINT stop it when the requests under way are answered and their
changes seen to the end; a second signal, more than a second after the first, stops
it at once, with status 1. SIGHUP reads the file of users again.

A database of the record that does not answer is waited for, some 15 s.

Exit status: 0 stopped as asked, 1 failed or stopped by force, 2 wrong usage or
configuration, 5 the database of the record does not answer.`

const serveExample = `  export API_TOKEN="$(printf '%s' 'user:password' | base64)"
  lsapi serve --listen 127.0.0.1:8000

  # with a name for each user
  htpasswd -B -c users alice
  lsapi serve --users-file users

  # on the emulated AWS of lsapi emulator
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
		// The AWS SDK reads its part of the .env file from the environment.
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
		Color:   wantsColor(p),
		Version: versionText(),
	})
	cancel()
	if err != nil {
		return signals.unlessStopped(startError(err))
	}
	return signals.runUntilStopped(ctx, service, cfg.ShutdownTimeout, service.Reload)
}

// unreachableError marks a database that did not answer in time.
type unreachableError struct{ error }

func (e unreachableError) Unwrap() error { return e.error }

// startError marks what a later start can mend without any other configuration.
func startError(err error) error {
	if record, ok := errors.AsType[*app.StoreError](err); ok && record.Unreachable() {
		return unreachableError{err}
	}
	return err
}

// located adds to an error of the record which setting names the record, and where that
// is set.
func located(err error, s config.Sources) error {
	if _, ok := errors.AsType[*app.StoreError](err); ok {
		return fmt.Errorf("%s: %w", config.StoreOrigin(s), err)
	}
	return err
}
