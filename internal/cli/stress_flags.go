package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"time"

	"lsapi/internal/stress"
)

type stressFlags struct {
	url               *url.URL
	connections       int
	steps             []int
	rate              int
	duration, timeout time.Duration
	method            string
	headers           []string
	body, contentType string
	failIf            []string
	conditions        []stress.Condition
	html, json        string
	output            string
	queueOf, endpoint string
	owned             bool
	command           string // for the report
}

// check validates the flags.
func (f *stressFlags) check(target string, stepsGiven bool) (err error) {
	if f.url, err = parseTarget(target); err != nil {
		return err
	}
	if !stepsGiven {
		f.steps = []int{f.connections}
	}
	bounds := []struct {
		flag  string
		wrong bool
		rule  string
	}{
		{"--connections and --steps", len(f.steps) == 0 || slices.Min(f.steps) < 1 || slices.Max(f.steps) > stress.MaxConnections, fmt.Sprintf("between 1 and %d", stress.MaxConnections)},
		{"--rate", f.rate < 0 || f.rate > 1_000_000, "between 0 and 1000000 a second"},
		{"--duration", f.duration < time.Second || f.duration > stress.MaxDuration, fmt.Sprintf("between 1s and %v", stress.MaxDuration)},
		{"--timeout", f.timeout <= 0 || f.timeout > stress.MaxTimeout, fmt.Sprintf("more than 0, at most %v", stress.MaxTimeout)},
		{"--output", f.output != "text" && f.output != "json", "text or json"},
	}
	for _, bound := range bounds {
		if bound.wrong {
			return usagef("%s: must be %s", bound.flag, bound.rule)
		}
	}
	for _, text := range f.failIf {
		condition, err := stress.ParseCondition(text)
		if err != nil {
			return usagef("--fail-if: %w", err)
		}
		f.conditions = append(f.conditions, condition)
	}
	return nil
}

// checkHost rejects another host unless --i-own-this-host is set.
func (f *stressFlags) checkHost(ctx context.Context) error {
	if f.owned {
		return nil
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", f.url.Hostname())
	if err != nil {
		return fmt.Errorf("look up the host of the URL: %w", err)
	}
	if slices.ContainsFunc(addresses, func(a netip.Addr) bool { return !a.Unmap().IsLoopback() }) {
		return usagef("%s is not this machine: add --i-own-this-host if you may load-test it", f.url.Hostname())
	}
	return nil
}

func (f *stressFlags) createFiles() (files reportFiles, err error) {
	for _, output := range []struct {
		name string
		file **os.File
	}{{f.html, &files.html}, {f.json, &files.json}} {
		if output.name == "" {
			continue
		}
		if *output.file, err = os.Create(output.name); err != nil {
			files.close()
			return reportFiles{}, statusError{err, ExitUsage}
		}
	}
	return files, nil
}

// reportFiles are opened before the load starts, so that errors show early.
type reportFiles struct{ html, json *os.File }

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
			_ = file.Close() // write has synced it
		}
	}
}

func parseTarget(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usagef("the URL must be such as http://127.0.0.1:8000/healthcheck")
	}
	return u, nil
}
