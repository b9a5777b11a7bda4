package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"lsapi/internal/clientconfig"
	"lsapi/internal/config"
	"lsapi/internal/sanitize"
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

// The verdicts of a check.
const (
	verdictOK   = "ok"
	verdictWarn = "warn"
	verdictFail = "fail"
)

// finding is the result of a check.
type finding struct {
	Check   string `json:"check"`
	Verdict string `json:"verdict"`
	Found   string `json:"found"`
	Do      string `json:"do,omitempty"`
}

// checkup collects findings.
type checkup struct{ findings []finding }

func (c *checkup) ok(check, format string, args ...any) {
	c.findings = append(c.findings, finding{check, verdictOK, fmt.Sprintf(format, args...), ""})
}

func (c *checkup) warn(check, do, format string, args ...any) {
	c.findings = append(c.findings, finding{check, verdictWarn, fmt.Sprintf(format, args...), do})
}

func (c *checkup) fail(check, do, format string, args ...any) {
	c.findings = append(c.findings, finding{check, verdictFail, fmt.Sprintf(format, args...), do})
}

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

// report writes the findings and returns an error if a check failed.
func (c *checkup) report(p Process, output string) error {
	var failed int
	for _, f := range c.findings {
		if f.Verdict == verdictFail {
			failed++
		}
	}
	var err error
	if output == "json" {
		err = writeJSON(p.Stdout, c.findings)
	} else {
		err = c.write(p)
	}
	if failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d checks fail", failed, len(c.findings)))
	}
	return err
}

// write writes one line per finding, wrapped on a terminal.
func (c *checkup) write(p Process) error {
	const indent = 21
	room := 0
	if isTerminal(p.Stdout) {
		width, _ := terminalSize(p.Stdout)
		room = max(20, width-indent)
	}
	inks := map[string]ink{verdictWarn: yellow, verdictFail: red}
	var out strings.Builder
	for _, f := range c.findings {
		text := f.Found
		if f.Do != "" {
			text += ": " + f.Do
		}
		verdict := fmt.Sprintf("%-4s", f.Verdict)
		if colors(p, p.Stdout) {
			verdict = inks[f.Verdict].paint(verdict)
		}
		lines := wrapped(sanitize.Escape(text), room)
		fmt.Fprintf(&out, "%s  %-13s  %s\n", verdict, f.Check, strings.Join(lines, "\n"+strings.Repeat(" ", indent)))
	}
	_, err := io.WriteString(p.Stdout, out.String())
	return err
}
