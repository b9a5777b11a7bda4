package cli

import (
	"github.com/spf13/cobra"

	"lsapi/client"
	"lsapi/internal/clientconfig"
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
