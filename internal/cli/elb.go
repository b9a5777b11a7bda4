package cli

import (
	"github.com/spf13/cobra"

	"lsapi/internal/clientconfig"
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
