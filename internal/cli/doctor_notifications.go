package cli

import (
	"context"

	"github.com/spf13/cobra"

	"lsapi/internal/app"
	"lsapi/internal/config"
	"lsapi/internal/policy"
)

// checkNotifications sends a test to each receiver of notifications of lsapi serve.
func (c *checkup) checkNotifications(ctx context.Context, command *cobra.Command, p Process) error {
	cfg, err := config.Notifications(config.Sources{
		Flags: command.Flags(), Environ: p.Environ, EnvFile: config.DefaultEnvFile, CheckPolicy: policy.Check,
	})
	if err != nil {
		return err
	}
	tested := 0
	err = app.TestNotifications(ctx, cfg, versionText(), func(receiver string, err error) {
		tested++
		if err != nil {
			c.fail("notifications", "correct the receiver, or the settings that name it", "%s: %v", receiver, err)
		} else {
			c.ok("notifications", "%s has accepted a test", receiver)
		}
	})
	if err == nil && tested == 0 {
		c.warn("notifications", "name receivers in NOTIFY, or in the policy", "there are no receivers")
	}
	return err
}
