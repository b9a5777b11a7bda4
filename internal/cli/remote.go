package cli

import (
	"github.com/spf13/cobra"

	"lsapi"
	"lsapi/client"
	"lsapi/internal/clientconfig"
	"lsapi/internal/sanitize"
)

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

func checkName(name string) error {
	if !lsapi.ValidLoadBalancerName(name) {
		return usagef("%s is not the name of a load balancer: 1 to 32 letters, digits and hyphens", sanitize.Escape(name))
	}
	return nil
}

// readStatuses are the exit statuses of the read-only commands.
const readStatuses = `

Exit status: 0 done, 1 refused, failed or stopped by a signal, 2 wrong usage or
configuration, 4 timed out, 5 the service is unreachable, 6 credentials are missing or
wrong.`
