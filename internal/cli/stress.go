package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lsapi/internal/cli/term"
	"lsapi/internal/config"
	"lsapi/internal/stress"
)

const stressHelp = `Send many requests to a URL, and report throughput, latency percentiles, errors, and
optionally a load balancer's surge queue.

Without --rate, each connection sends its next request after the response to the last,
like wrk. With --rate, requests are due at a constant rate, and the corrected latency
counts from the due time, so that it includes stalls of the service.

--steps runs several numbers of connections in sequence, and marks the knee: the lowest
number with at least 90 % of the highest throughput.

--fail-if FIGURE OPERATOR LIMIT makes the command exit with status 7 if a step meets the
condition. Figures are p50, p90, p99, p99.9, max and mean of the corrected latency
('p99>50ms'), errors ('errors>0', 'errors>1%') and throughput in requests per second
('throughput<1000'). Operators are >, >=, < and <=.

--html writes a report with plots in one self-contained file.

--surge-queue NAME shows how many requests wait in a load balancer's surge queue, and how
many it rejected: exactly with the emulated AWS of --aws-endpoint, or per minute with
CloudWatch.

-H @FILE keeps credentials out of the process list. The report omits the values of
headers that may be credentials.

A load on another host requires --i-own-this-host. After Ctrl-C the report covers the
time until then. The exit status is 0 if any request succeeded, or else 1.`

const stressExample = `  lsapi stress -H 'Authorization: Basic ZGVtbzpkZW1v' http://127.0.0.1:8000/elb/default-elb
  lsapi stress --rate 1000 --duration 10s --fail-if 'p99>50ms' --fail-if 'errors>0.1%' http://127.0.0.1:8000/healthcheck
  lsapi stress --steps 1,2,4,8,16,32 --duration 5s --html report.html http://127.0.0.1:8000/healthcheck`

func newStress(p Process) *cobra.Command {
	var f stressFlags
	command := &cobra.Command{
		Use:     "stress URL",
		Short:   "Load-test a URL",
		Long:    stressHelp,
		Example: stressExample,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(args[0], c.Flags().Changed("steps")); err != nil {
				return err
			}
			f.command = f.commandLine(c.Flags(), args[0])
			return f.run(c.Context(), p)
		},
	}
	flags := command.Flags()
	flags.IntVar(&f.connections, "connections", 12, "`number` of concurrent connections")
	flags.IntSliceVar(&f.steps, "steps", nil, "numbers of connections to run in sequence, such as 1,2,4,8")
	flags.IntVar(&f.rate, "rate", 0, "`requests` due per second (default: no fixed rate)")
	flags.DurationVar(&f.duration, "duration", 30*time.Second, "`duration` of each step")
	flags.DurationVar(&f.timeout, "timeout", 10*time.Second, "maximum `duration` of a request")
	flags.StringVarP(&f.method, "method", "X", "", "`method` of the requests (default: GET, with a body POST)")
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "`header` to send, 'Name: value', or @FILE with one per line; can be repeated")
	flags.StringVarP(&f.body, "body", "d", "", "`body` to send, or @FILE")
	flags.StringVar(&f.contentType, "content-type", "", "media `type` of the body (default: application/json)")
	flags.StringArrayVar(&f.failIf, "fail-if", nil, "`condition` that no step may meet, such as 'p99>50ms' or 'errors>1%'; can be repeated")
	flags.StringVar(&f.html, "html", "", "`file` to write the report with plots to")
	flags.StringVar(&f.json, "json", "", "`file` to write the report to as JSON")
	flags.StringVarP(&f.output, "output", "o", "text", "what to print: text or json")
	flags.StringVar(&f.queueOf, "surge-queue", "", "`name` of a load balancer whose surge queue to show")
	flags.StringVar(&f.endpoint, "aws-endpoint", "", "`URL` of an emulated AWS for --surge-queue [$AWS_ENDPOINT_URL] (default: CloudWatch)")
	flags.BoolVar(&f.owned, "i-own-this-host", false, "allow a load on another host")
	return command
}

func (f *stressFlags) run(ctx context.Context, p Process) error {
	request, err := f.request()
	if err != nil {
		return err
	}
	if err := f.checkHost(ctx); err != nil {
		return err
	}
	ctx, release := untilSignalled(ctx)
	defer release()
	var queue func(context.Context) (stress.Queue, error)
	if f.queueOf != "" {
		var err error
		if queue, err = surgeQueue(ctx, f.queueOf, cmp.Or(f.endpoint, config.Variable(p.Environ, "AWS_ENDPOINT_URL"))); err != nil {
			return err
		}
	}
	files, err := f.createFiles()
	if err != nil {
		return err
	}
	defer files.close()
	report, err := stress.Run(ctx, stress.Options{
		Method: request.method, URL: f.url.String(), Header: request.header, Body: request.body,
		Steps: f.steps, Duration: f.duration, Rate: f.rate, Timeout: f.timeout, FailIf: f.conditions,
		Command: f.command, Version: versionText(),
		Queue: queue, Progress: progressOn(p.Stderr),
	})
	clearProgress(p.Stderr)
	if err != nil {
		return err
	}
	if err := errors.Join(files.write(report), f.print(p.Stdout, report)); err != nil {
		return err
	}
	return verdict(report)
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

func (f *stressFlags) print(w io.Writer, report stress.Report) error {
	if f.output == "json" {
		return report.WriteJSON(w) //nolint:wrapcheck // says it all
	}
	return report.WriteText(w) //nolint:wrapcheck // says it all
}

// progressOn returns a function that shows the last second on one line of a terminal.
func progressOn(w io.Writer) func(stress.Step, stress.Second) {
	if !term.IsTerminal(w) {
		return nil
	}
	return func(s stress.Step, now stress.Second) {
		fmt.Fprintf(w, "\r%s\x1b[K", stress.ProgressLine(s, now))
	}
}

func clearProgress(w io.Writer) {
	if term.IsTerminal(w) {
		fmt.Fprint(w, "\r\x1b[K")
	}
}
