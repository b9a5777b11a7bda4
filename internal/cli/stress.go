package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lsapi"
	"lsapi/internal/cli/term"
	"lsapi/internal/config"
	"lsapi/internal/stress"
)

func newStress(p Process) *cobra.Command {
	var f stressFlags
	command := newCommand("stress")
	command.Args = exactlyOne
	command.RunE = func(c *cobra.Command, args []string) error {
		if err := f.check(args[0], c.Flags().Changed("steps")); err != nil {
			return err
		}
		f.Command, f.Version = f.commandLine(c.Flags(), args[0]), versionText()
		return f.run(c.Context(), p)
	}
	flags := command.Flags()
	flags.IntVar(&f.connections, "connections", 12, "`number` of concurrent connections")
	flags.IntSliceVar(&f.Steps, "steps", nil, "numbers of connections to run in sequence, such as 1,2,4,8")
	flags.IntVar(&f.Rate, "rate", 0, "`requests` due per second (default: no fixed rate)")
	flags.DurationVar(&f.Duration, "duration", 30*time.Second, "`duration` of each step")
	flags.DurationVar(&f.Timeout, "timeout", 10*time.Second, "maximum `duration` of a request")
	flags.StringVarP(&f.Method, "method", "X", "", "`method` of the requests (default: GET, with a body POST)")
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "`header` to send, 'Name: value', or @FILE with one per line; can be repeated")
	flags.StringVarP(&f.body, "body", "d", "", "`body` to send, or @FILE")
	flags.StringVar(&f.contentType, "content-type", "", "media `type` of the body (default: application/json)")
	flags.StringArrayVar(&f.failIf, "fail-if", nil, "`condition` that no step may meet, such as 'p99>50ms' or 'errors>1%'; can be repeated")
	flags.StringVar(&f.html, "html", "", "`file` to write the report with plots to")
	flags.StringVar(&f.json, "json", "", "`file` to write the report to as JSON")
	choiceVarP(flags, &f.output, "output", "o", "text", "what to print: text or json", "text", "json")
	flags.StringVar(&f.pool, "pool", "", "pool whose metrics to show: `elb/NAME` or tg/NAME; NAME alone is elb/NAME")
	flags.StringVar(&f.surgeQueue, "surge-queue", "", "`name` of a Classic load balancer, as --pool")
	flags.StringVar(&f.endpoint, "aws-endpoint", "", "`URL` of an emulated AWS for --pool [$AWS_ENDPOINT_URL] (default: AWS)")
	flags.BoolVar(&f.owned, "i-own-this-host", false, "allow a load on another host")
	return command
}

func (f *stressFlags) run(ctx context.Context, p Process) error {
	if err := f.setRequest(); err != nil {
		return err
	}
	if err := f.checkHost(ctx); err != nil {
		return err
	}
	ctx, release := untilSignalled(ctx)
	defer release()
	group, err := f.openPool(ctx, cmp.Or(f.endpoint, config.Variable(p.Environ, "AWS_ENDPOINT_URL")))
	if err != nil {
		return err
	}
	files, err := f.createFiles()
	if err != nil {
		return err
	}
	if term.IsTerminal(p.Stderr) { // shows the last second on one line
		f.Progress = func(s stress.Step, now stress.Second) {
			fmt.Fprintf(p.Stderr, "\r%s\x1b[K", stress.ProgressLine(s, now))
		}
	}
	report, err := stress.Run(ctx, f.Options)
	if err != nil {
		return err
	}
	metricsErr := f.addMetrics(ctx, p, group, &report)
	if f.Progress != nil {
		fmt.Fprint(p.Stderr, "\r\x1b[K")
	}
	write := report.WriteText
	if f.output == "json" {
		write = report.WriteJSON
	}
	if err := errors.Join(writeFiles(files, report), write(p.Stdout)); err != nil {
		return err
	}
	if err := verdict(report); err != nil {
		return err
	}
	return metricsErr
}

// openPool makes the surge queue of a Classic load balancer available to the load, or
// returns the metrics of a target group, nil for none.
func (f *stressFlags) openPool(ctx context.Context, endpoint string) (group *groupMetrics, err error) {
	switch f.id.Kind {
	case lsapi.KindELB:
		f.Queue, err = surgeQueue(ctx, f.id.Name, endpoint)
	case lsapi.KindTG:
		group, err = openGroup(ctx, f.id.Name, endpoint)
	}
	return group, err
}

// addMetrics adds the metrics of a target group to the report. Without them, the report is
// written as well.
func (f *stressFlags) addMetrics(ctx context.Context, p Process, group *groupMetrics, report *stress.Report) (err error) {
	if group == nil {
		return nil
	}
	if f.Progress != nil && group.delay > 0 {
		fmt.Fprint(p.Stderr, "\rCloudWatch's data are late: Ctrl-C ends the wait\x1b[K")
	}
	if report.TargetGroup, err = group.complete(ctx, *report); err != nil {
		return fmt.Errorf("the metrics of %s cannot be read: %w", group.name, err)
	}
	return nil
}

// verdict returns an error if a condition of --fail-if was met, or if no request
// succeeded.
func verdict(report stress.Report) error {
	var met []string
	for _, v := range report.Met() {
		met = append(met, v.String())
	}
	if len(met) > 0 {
		return statusError{fmt.Errorf("--fail-if %s", strings.Join(met, "; ")), ExitCondition}
	}
	if !report.Answered() {
		return errors.New("no request succeeded")
	}
	return nil
}
