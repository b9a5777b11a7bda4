package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"lsapi/internal/clientconfig"
	"lsapi/internal/config"
)

const doctorHelp = `Check the requirements of lsapi elb, with one line and advice per check: configuration,
connection, TLS, clocks, readiness, credentials and versions.

--aws also checks the AWS permissions of lsapi serve, with the AWS credentials of this
machine: run it where the service runs. It changes nothing in AWS: it registers and
deregisters a nonexistent instance with a nonexistent load balancer, and checks whether
AWS denies the call.

Exit status: 0 no check fails (there may be warnings), 1 a check fails, or stopped by a
signal, 2 wrong usage or configuration.`

const doctorExample = `  export LSAPI_URL=http://127.0.0.1:8000 LSAPI_USER=demo LSAPI_PASSWORD=demo
  lsapi doctor
  AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test lsapi doctor --aws --aws-endpoint http://127.0.0.1:4566`

func newDoctor(p Process) *cobra.Command {
	var output string
	var aws bool
	command := &cobra.Command{
		Use:     "doctor",
		Short:   "Check the requirements to use or run a service",
		Long:    doctorHelp,
		Example: doctorExample,
		Args:    cobra.NoArgs,
	}
	flags := command.Flags()
	clientconfig.AddFlags(flags)
	config.AddAWSFlags(flags)
	flags.BoolVar(&aws, "aws", false, "also check the AWS permissions of lsapi serve")
	flags.StringVarP(&output, "output", "o", "text", "`format`: text or json")
	command.RunE = func(c *cobra.Command, _ []string) error {
		if output != "text" && output != "json" {
			return usagef("--output: neither text nor json")
		}
		for _, flag := range []string{"region", "aws-endpoint", "env-file"} {
			if c.Flags().Changed(flag) && !aws {
				return usagef("--%s is for --aws", flag)
			}
		}
		ctx, stop := untilSignalled(c.Context())
		defer stop()
		checked := &checkup{}
		if err := checked.checkService(ctx, c, p); err != nil {
			return err
		}
		if aws {
			if err := checked.checkAWS(ctx, c, p); err != nil {
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
			c.fail("configuration", "see lsapi elb --help", "%s", problem)
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
		c.checkVersions(ctx, service)
	}
	return nil
}
