package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lsapi/internal/config"
	"lsapi/internal/guarded"
	"lsapi/internal/stress"
)

const stressHelp = `Ask a URL for much, and report how it answered: throughput, latency percentiles,
errors, and the load balancer's surge queue where somebody can tell of it.

Without --rate, each connection sends its next request when the last is answered,
as wrk does. With it, requests are due at a constant rate, and a latency counts
from when its request was due, so that a service that stalls cannot hide it.

--steps tries several numbers of connections, one after the other, and marks the
knee: the fewest with at least 90 % of the highest throughput.

--html writes a report with plots, in one file that opens without a network.

--surge-queue NAME shows beside it how many requests wait in a load balancer's surge
queue, and how many it has turned away: as the emulated AWS of --aws-endpoint knows it
to the request, or CloudWatch by the minute.

Credentials stay out of the list of processes in a file: -H @FILE.

A load on a host that is not this machine asks for --i-own-this-host. Ctrl-C ends
it, and reports what there was until then. The exit status is 0 when anything was
answered as asked, else 1.`

const stressExample = `  lsapi stress -H 'Authorization: Basic ZGVtbzpkZW1v' http://127.0.0.1:8000/elb/default-elb
  lsapi stress --rate 1000 --duration 10s http://127.0.0.1:8000/healthcheck
  lsapi stress --steps 1,2,4,8,16,32 --duration 5s --html report.html http://127.0.0.1:8000/healthcheck`

// maxHeaders is how large a file of headers may be: as much as servers take of them.
const maxHeaders = 32 << 10

type stressFlags struct {
	url               *url.URL
	connections       int
	steps             []int
	rate              int
	duration, timeout time.Duration
	headers           []string
	html, json        string
	output            string
	queueOf, endpoint string
	owned             bool
}

func newStress(p Process) *cobra.Command {
	var f stressFlags
	command := &cobra.Command{
		Use:     "stress URL",
		Short:   "Make load on a URL, and report how it is answered",
		Long:    stressHelp,
		Example: stressExample,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			header, err := f.check(args[0], c.Flags().Changed("steps"))
			if err != nil {
				return err
			}
			return f.run(c.Context(), p, header)
		},
	}
	flags := command.Flags()
	flags.IntVar(&f.connections, "connections", 12, "`number` of connections at a time")
	flags.IntSliceVar(&f.steps, "steps", nil, "numbers of connections to try one after the other, such as 1,2,4,8")
	flags.IntVar(&f.rate, "rate", 0, "`requests` due each second (default: as many as the connections get answered)")
	flags.DurationVar(&f.duration, "duration", 30*time.Second, "how long, for each step")
	flags.DurationVar(&f.timeout, "timeout", 10*time.Second, "how long an answer may take")
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "`header` to send, 'Name: value', or @FILE with one in each line; may be repeated")
	flags.StringVar(&f.html, "html", "", "`file` to write the report with plots to")
	flags.StringVar(&f.json, "json", "", "`file` to write the report to as JSON")
	flags.StringVarP(&f.output, "output", "o", "text", "what to print: text or json")
	flags.StringVar(&f.queueOf, "surge-queue", "", "`name` of a load balancer whose surge queue to show")
	flags.StringVar(&f.endpoint, "aws-endpoint", "", "`URL` of the emulated AWS that knows it [$AWS_ENDPOINT_URL] (default: CloudWatch)")
	flags.BoolVar(&f.owned, "i-own-this-host", false, "make load on a host that is not this machine")
	return command
}

// check refuses what makes no sense, and returns the headers to send.
func (f *stressFlags) check(target string, stepsAsked bool) (http.Header, error) {
	var err error
	if f.url, err = url.Parse(target); err != nil || f.url.Host == "" || f.url.Scheme != "http" && f.url.Scheme != "https" {
		return nil, usagef("the URL must be such as http://127.0.0.1:8000/healthcheck")
	}
	if !stepsAsked {
		f.steps = []int{f.connections}
	}
	bounds := []struct {
		flag  string
		wrong bool
		rule  string
	}{
		{"--connections and --steps", len(f.steps) == 0 || slices.Min(f.steps) < 1 || slices.Max(f.steps) > stress.MaxConnections, fmt.Sprintf("between 1 and %d", stress.MaxConnections)},
		{"--rate", f.rate < 0 || f.rate > 1_000_000, "between 0 and 1000000 a second"},
		{"--duration", f.duration < time.Second || f.duration > 24*time.Hour, "between 1s and 24h"},
		{"--timeout", f.timeout <= 0 || f.timeout > stress.MaxTimeout, fmt.Sprintf("more than 0, at most %v", stress.MaxTimeout)},
		{"--output", f.output != "text" && f.output != "json", "text or json"},
	}
	for _, bound := range bounds {
		if bound.wrong {
			return nil, usagef("%s: must be %s", bound.flag, bound.rule)
		}
	}
	return f.header()
}

// header returns what goes with each request: what was given, and the credentials
// of the URL, which then no longer has them.
func (f *stressFlags) header() (http.Header, error) {
	header := make(http.Header)
	given, err := withFiles(f.headers)
	if err != nil {
		return nil, err
	}
	for _, given := range given {
		name, value, found := strings.Cut(given, ":")
		if !found || strings.TrimSpace(name) == "" {
			return nil, usagef("--header: must be such as 'Accept: text/plain'")
		}
		header.Add(textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(value))
	}
	if user := f.url.User; user != nil {
		password, _ := user.Password()
		request := http.Request{Header: header}
		request.SetBasicAuth(user.Username(), password)
		f.url.User = nil
	}
	return header, nil
}

// withFiles puts the headers of a file in the place of its @FILE.
func withFiles(headers []string) ([]string, error) {
	var all []string
	for _, given := range headers {
		path, isFile := strings.CutPrefix(given, "@")
		if !isFile {
			all = append(all, given)
			continue
		}
		text, err := guarded.Read(path, maxHeaders)
		if err != nil {
			return nil, usagef("--header: cannot read %s: %w", path, guarded.WithoutPath(err))
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" {
				all = append(all, line)
			}
		}
	}
	return all, nil
}

func (f *stressFlags) run(ctx context.Context, p Process, header http.Header) error {
	if err := f.mayAsk(ctx); err != nil {
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
	report := stress.Run(ctx, stress.Options{
		URL: f.url.String(), Header: header,
		Steps: f.steps, Duration: f.duration, Rate: f.rate, Timeout: f.timeout,
		Queue: queue, Progress: progressOn(p.Stderr),
	})
	clearProgress(p.Stderr)
	if err := errors.Join(files.write(report), f.print(p.Stdout, report)); err != nil {
		return err
	}
	if !report.Answered() {
		return errors.New("nothing was answered as asked")
	}
	return nil
}

// mayAsk refuses to make load on a host that nobody has said is theirs.
func (f *stressFlags) mayAsk(ctx context.Context) error {
	if f.owned {
		return nil
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", f.url.Hostname())
	if err != nil {
		return fmt.Errorf("look up the host of the URL: %w", err)
	}
	if slices.ContainsFunc(addresses, func(a netip.Addr) bool { return !a.Unmap().IsLoopback() }) {
		return usagef("%s is not this machine: add --i-own-this-host if you may make load on it", f.url.Hostname())
	}
	return nil
}

func (f *stressFlags) print(w io.Writer, report stress.Report) error {
	if f.output == "json" {
		return report.WriteJSON(w) //nolint:wrapcheck // says it all
	}
	return report.WriteText(w) //nolint:wrapcheck // says it all
}

// reportFiles are open before the load begins, so that it is not made in vain.
type reportFiles struct{ html, json *os.File }

func (f *stressFlags) createFiles() (files reportFiles, err error) {
	for _, wanted := range []struct {
		name string
		file **os.File
	}{{f.html, &files.html}, {f.json, &files.json}} {
		if wanted.name == "" {
			continue
		}
		if *wanted.file, err = os.Create(wanted.name); err != nil {
			files.close()
			return reportFiles{}, usageError{err}
		}
	}
	return files, nil
}

func (r reportFiles) write(report stress.Report) error {
	var failures []error
	if r.html != nil {
		failures = append(failures, report.WriteHTML(r.html), r.html.Sync())
	}
	if r.json != nil {
		failures = append(failures, report.WriteJSON(r.json), r.json.Sync())
	}
	return errors.Join(failures...)
}

func (r reportFiles) close() {
	for _, file := range []*os.File{r.html, r.json} {
		if file != nil {
			_ = file.Close() // what was written is synced
		}
	}
}

// progressOn shows the second that has passed in one line of a terminal.
func progressOn(w io.Writer) func(stress.Step, stress.Second) {
	if !isTerminal(w) {
		return nil
	}
	return func(s stress.Step, now stress.Second) {
		fmt.Fprintf(w, "\r%s\x1b[K", stress.ProgressLine(s, now))
	}
}

func clearProgress(w io.Writer) {
	if isTerminal(w) {
		fmt.Fprint(w, "\r\x1b[K")
	}
}
