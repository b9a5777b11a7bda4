package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"lsapi/internal/cli/term"
	"lsapi/internal/clientconfig"
	"lsapi/internal/config"
	"lsapi/internal/sanitize"
)

func newDoctor(p Process) *cobra.Command {
	var output string
	command := newCommand("doctor")
	flags := command.Flags()
	clientconfig.AddFlags(flags)
	config.AddAWSFlags(flags)
	aws := flags.Bool("aws", false, "also check the AWS permissions of lsapi serve")
	choiceVarP(flags, &output, "output", "o", "text", "`format`: text or json", "text", "json")
	command.RunE = func(c *cobra.Command, _ []string) error {
		if err := onlyWith(flags, "aws", "region", "aws-endpoint", "env-file"); err != nil {
			return err
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
		if ctx.Err() != nil {
			return interrupted{"stopped by a signal"}
		}
		return checked.report(p, output)
	}
	return command
}

// checkup collects findings.
type checkup struct{ findings []finding }

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

func (c *checkup) ok(check, format string, args ...any) { c.add(verdictOK, check, "", format, args) }

func (c *checkup) warn(check, do, format string, args ...any) {
	c.add(verdictWarn, check, do, format, args)
}

func (c *checkup) fail(check, do, format string, args ...any) {
	c.add(verdictFail, check, do, format, args)
}

func (c *checkup) add(verdict, check, do, format string, args []any) {
	c.findings = append(c.findings, finding{check, verdict, fmt.Sprintf(format, args...), do})
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
	screen, room := newScreen(p), 0
	if width := screen.Room(); width > 0 {
		room = max(20, width-indent)
	}
	styles := map[string]term.Style{verdictWarn: term.Yellow, verdictFail: term.Red}
	var out strings.Builder
	for _, f := range c.findings {
		text := f.Found
		if f.Do != "" {
			text += ": " + f.Do
		}
		verdict := screen.Paint(styles[f.Verdict], fmt.Sprintf("%-4s", f.Verdict))
		lines := term.Wrap(sanitize.Escape(text), room)
		fmt.Fprintf(&out, "%s  %-13s  %s\n", verdict, f.Check, strings.Join(lines, "\n"+strings.Repeat(" ", indent)))
	}
	_, err := io.WriteString(p.Stdout, out.String())
	return err
}
