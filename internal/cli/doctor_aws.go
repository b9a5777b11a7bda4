package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lsapi"
	"lsapi/internal/cloud"
	"lsapi/internal/cloud/classic"
	"lsapi/internal/cloud/targetgroup"
	"lsapi/internal/config"
)

// checkAWS checks the AWS permissions that lsapi serve needs.
func (c *checkup) checkAWS(ctx context.Context, command *cobra.Command, p Process) error {
	cfg, err := config.AWS(config.Sources{Flags: command.Flags(), Environ: p.Environ, EnvFile: config.DefaultEnvFile, CheckAWS: cloud.CheckVariables})
	if err != nil {
		return err
	}
	if err := cfg.Export(); err != nil {
		return fmt.Errorf("set the variables of the .env file: %w", err)
	}
	aws, err := cloud.Configure(ctx, cloud.Options{Region: cfg.Region, Endpoint: cfg.AWSEndpoint})
	if err != nil {
		c.fail("aws", "correct the configuration of the AWS SDK", "%v", err)
		return nil
	}
	permissions := map[lsapi.Kind]func(context.Context) []cloud.Permission{
		lsapi.KindELB: classic.New(aws).Permissions, lsapi.KindTG: targetgroup.New(aws).Permissions,
	}
	for _, kind := range cfg.Kinds {
		for _, permission := range permissions[kind](ctx) {
			c.addPermission(permission)
		}
	}
	c.addPermission(cloud.NewEC2(aws).Permission(ctx))
	return nil
}

func (c *checkup) addPermission(p cloud.Permission) {
	_, name, _ := strings.Cut(p.Action, ":")
	switch e := lsapi.AsError(p.Err); {
	case p.Err == nil:
		c.ok("aws", "%s is allowed", p.Action)
	case e.Code != lsapi.CodeForbidden:
		c.warn("aws", "try again, or look for "+name+" in the policy", "%s: unknown, the call failed: %s", p.Action, causeOf(e))
	case e.Reason == "":
		c.fail("aws", "configure them on this machine: an instance role, a profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", "%s: there are no AWS credentials", p.Action)
	case e.Reason == "AccessDenied" || e.Reason == "AccessDeniedException" || e.Reason == "UnauthorizedOperation":
		c.fail("aws", "allow it in the policy; a policy for certain load balancers or target groups denies this check, which names one that does not exist", "%s: denied", p.Action)
	default:
		c.fail("aws", "correct the AWS credentials, or this machine's clock", "%s: AWS rejects the credentials with %s", p.Action, e.Reason)
	}
}

// causeOf returns the most specific cause of an AWS error.
func causeOf(e *lsapi.Error) string {
	switch {
	case e.Reason != "":
		return e.Reason
	case e.Err != nil:
		return e.Err.Error()
	}
	return string(e.Code)
}
