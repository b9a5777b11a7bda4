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

const elbHelp = `Show load balancers, attach and detach instances, wait until they are in service or
drained, and watch events: over the service's HTTP API, from any machine.

The URL of the service and the credentials come from flags, the environment or a
configuration file, in this order of precedence:

  --url            LSAPI_URL            url           such as https://lsapi.internal
  --user           LSAPI_USER           user
                   LSAPI_PASSWORD       password
  --password-file  LSAPI_PASSWORD_FILE  passwordFile  a file that holds only the password
                   LSAPI_TOKEN          token         base64 of user:password

The file is lsapi/config.yaml in $XDG_CONFIG_HOME or ~/.config, or named by --config
or LSAPI_CONFIG. If it holds a password or a token, others must not be able to read it
(chmod 600). Its credentials are sent to its own url only.

Output is a table on a terminal, without the columns that do not fit (-o wide shows all),
and JSON when piped or with -o json. -o yaml has the same fields. -o name and -q print
names or ids only.

Exit status: 0 done, 1 refused, failed or stopped by a signal, 2 wrong usage or
configuration, 3 conflict: the membership is already as requested, 4 timed out, or the
outcome is unknown, 5 the service is unreachable, 6 credentials are missing or wrong.
For several instances, the highest applies.`

// readStatuses are the exit statuses of the read-only commands.
const readStatuses = `

Exit status: 0 done, 1 refused, failed or stopped by a signal, 2 wrong usage or
configuration, 4 timed out, 5 the service is unreachable, 6 credentials are missing or
wrong.`

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

// remote is a client of a service, with the configuration that it came from.
type remote struct {
	*client.Client
	config clientconfig.Config
}

// connect returns a client from the configuration. It sends no request.
func connect(c *cobra.Command, p Process) (*remote, error) {
	found, err := clientconfig.Load(clientconfig.Sources{Flags: c.Flags(), Environ: p.Environ})
	if err != nil {
		return nil, err
	}
	api, err := client.New(client.Options{
		URL: found.URL, User: found.User, Password: string(found.Password), UserAgent: "lsapi-cli",
	})
	if err != nil {
		return nil, usagef("%w", err)
	}
	return &remote{Client: api, config: found}, nil
}

// withService calls do with a client and a context that ends with a signal, and adds
// advice to its error.
func withService(c *cobra.Command, p Process, do func(context.Context, *remote) error) error {
	service, err := connect(c, p)
	if err != nil {
		return err
	}
	defer service.Close()
	ctx, stop := untilSignalled(c.Context())
	defer stop()
	return service.explain(do(ctx, service))
}

// interrupted is the error of a command that a signal stopped.
type interrupted struct{ text string }

func (e interrupted) Error() string { return e.text }

// Unwrap returns the context's error.
func (interrupted) Unwrap() error { return context.Canceled }

// serviceStatus returns the exit status of an error of the service, or 0 for others.
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

func checkName(name string) error {
	if !lsapi.ValidLoadBalancerName(name) {
		return usagef("%s is not the name of a load balancer: 1 to 32 letters, digits and hyphens", sanitize.Escape(name))
	}
	return nil
}
