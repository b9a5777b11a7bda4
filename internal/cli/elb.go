package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"lsapi"
	"lsapi/client"
	"lsapi/internal/clientconfig"
	"lsapi/internal/sanitize"
)

const elbHelp = `Show load balancers, attach and detach instances, wait until they serve or are
drained, and watch what happens: over the service's HTTP API, from any machine.

Where the service is and who asks it is said by flags, or by the environment, or by
a configuration file, in this order of precedence:

  --url            LSAPI_URL            url           such as https://lsapi.internal
  --user           LSAPI_USER           user
                   LSAPI_PASSWORD       password
  --password-file  LSAPI_PASSWORD_FILE  passwordFile  a file with nothing else in it
                   LSAPI_TOKEN          token         base64 of user:password

The file is lsapi/config.yaml in $XDG_CONFIG_HOME or ~/.config, or named by --config
or LSAPI_CONFIG. With a password or a token in it, nobody else may be able to read it
(chmod 600). Its credentials are sent to its own url only.

Output is a table on a terminal, which leaves out what does not fit (-o wide shows all),
and JSON when piped or with -o json; -o yaml has the same fields, -o name and -q have
names or ids only.

Exit status: 0 done, 1 refused, failed or stopped by a signal, 2 wrong usage or
configuration, 3 conflict: the membership already is as asked, 4 timed out, or the
outcome is not known, 5 the service cannot be reached, 6 credentials are missing or
wrong. Of several instances, the highest counts.`

// readStatuses are the exit statuses of the commands that change nothing.
const readStatuses = `

Exit status: 0 done, 1 refused, failed or stopped by a signal, 2 wrong usage or
configuration, 4 timed out, 5 the service cannot be reached, 6 credentials are missing
or wrong.`

const elbExample = `  export LSAPI_URL=http://127.0.0.1:8000 LSAPI_USER=demo LSAPI_PASSWORD=demo
  lsapi elb list
  lsapi elb show web-elb
  lsapi elb detach web-elb i-0a11ce0000000ab01 --wait --reason 'deploy 117'
  lsapi elb attach web-elb i-0a11ce0000000ab01 --wait --reason 'deploy 117'`

func newElb(p Process) *cobra.Command {
	command := &cobra.Command{
		Use:     "elb",
		Short:   "Show and change load balancers over the API",
		Long:    elbHelp,
		Example: elbExample,
		Args:    knownCommand,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	flags := command.PersistentFlags()
	clientconfig.AddFlags(flags)
	command.AddCommand(
		newElbList(p), newElbShow(p), newElbAttach(p), newElbDetach(p), newElbWatch(p), newElbHistory(p),
	)
	return command
}

// remote is a service that is asked over HTTP.
type remote struct {
	*client.Client
	config clientconfig.Config
}

// connect returns the service that the flags, the environment and the file name. It
// is not asked yet.
func connect(c *cobra.Command, p Process) (*remote, error) {
	found, err := clientconfig.Load(clientconfig.Sources{Flags: c.Flags(), Environ: p.Environ})
	if err != nil {
		return nil, err
	}
	asking, err := client.New(client.Options{
		URL: found.URL, User: found.User, Password: string(found.Password), UserAgent: "lsapi-cli",
	})
	if err != nil {
		return nil, usagef("%w", err)
	}
	return &remote{Client: asking, config: found}, nil
}

// withService asks the service until a signal comes, and explains why it did not do
// what it was asked.
func withService(c *cobra.Command, p Process, ask func(context.Context, *remote) error) error {
	service, err := connect(c, p)
	if err != nil {
		return err
	}
	defer service.Close()
	ctx, stop := untilSignalled(c.Context())
	defer stop()
	return service.explain(ask(ctx, service))
}

// interrupted is that a signal has ended what was under way.
type interrupted struct{ text string }

func (e interrupted) Error() string { return e.text }

// Unwrap returns the context's error.
func (interrupted) Unwrap() error { return context.Canceled }

// serviceStatus is the exit status of an error of the service, 0 of another.
func serviceStatus(err error) int {
	if errors.Is(err, client.ErrUnreachable) {
		return ExitUnreachable
	}
	code := client.ErrorCode(err)
	if _, ok := errors.AsType[notLSAPI](err); ok && code != lsapi.CodeUnauthenticated {
		return ExitUnreachable
	}
	switch code {
	case "":
		return 0
	case lsapi.CodeConflict:
		return ExitConflict
	case lsapi.CodeWaitTimeout, lsapi.CodeTimeout, lsapi.CodeInProgress, lsapi.CodeWaitFailed:
		return ExitTimeout
	case lsapi.CodeUnauthenticated:
		return ExitCredentials
	}
	return ExitFailure
}

// checkName refuses what can be no load balancer's name before anybody is asked.
func checkName(name string) error {
	if !lsapi.ValidLoadBalancerName(name) {
		return usagef("%s is not the name of a load balancer: 1 to 32 letters, digits and hyphens", sanitize.Escape(name))
	}
	return nil
}
