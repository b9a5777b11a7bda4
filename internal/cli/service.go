package cli

import (
	"context"

	"github.com/spf13/cobra"
)

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
