package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"lsapi/internal/clientconfig"
	"lsapi/internal/config"
)

func newDoctor(p Process) *cobra.Command {
	var output string
	command := newCommand("doctor")
	flags := command.Flags()
	clientconfig.AddFlags(flags)
	config.AddAWSFlags(flags)
	aws := flags.Bool("aws", false, "also check the AWS permissions of lsapi serve")
	notifications := flags.Bool("notifications", false, "also send a test to each receiver of notifications of lsapi serve")
	choiceVarP(flags, &output, "output", "o", "text", "`format`: text or json", "text", "json")
	command.RunE = func(c *cobra.Command, _ []string) error {
		if err := onlyWith(flags, "aws", "region", "aws-endpoint"); err != nil {
			return err
		}
		if flags.Changed("env-file") && !*aws && !*notifications {
			return usagef("--env-file is for --aws and --notifications")
		}
		ctx, stop := untilSignalled(c.Context())
		defer stop()
		checked := &checkup{}
		if err := checked.checkService(ctx, c, p); err != nil {
			return err
		}
		if *aws {
			if err := checked.checkAWS(ctx, c, p); err != nil {
				return err
			}
		}
		if *notifications {
			if err := checked.checkNotifications(ctx, c, p); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return interrupted{"stopped by a signal"}
		}
		return checked.report(p, output)
	}
	return command
}

func (c *checkup) checkService(ctx context.Context, command *cobra.Command, p Process) error {
	service, err := connect(command, p)
	if problems, ok := errors.AsType[*config.Error](err); ok {
		for _, problem := range problems.Problems {
			c.fail("configuration", "see lsapi pool --help", "%s", problem)
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer service.Close()
	credentials := "no credentials: " + service.config.Origin
	if service.config.User != "" {
		credentials = "user " + service.config.User + ", from " + service.config.Origin
	}
	c.ok("configuration", "%s, %s", service.config.URL, credentials)
	if c.checkConnection(ctx, service) {
		c.checkReady(ctx, service)
		c.checkCredentials(ctx, service)
		c.checkMetrics(ctx, service)
	}
	return nil
}
