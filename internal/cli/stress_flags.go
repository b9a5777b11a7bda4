package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"time"

	"lsapi"
	"lsapi/internal/stress"
)

type stressFlags struct {
	stress.Options
	url               *url.URL
	connections       int
	headers           []string
	body, contentType string
	failIf            []string
	html, json        string
	output            string
	pool, surgeQueue  string
	id                lsapi.PoolID // of pool or surgeQueue; zero: none
	endpoint          string
	owned             bool
}

// check validates the flags.
func (f *stressFlags) check(target string, stepsGiven bool) (err error) {
	if f.url, err = url.Parse(target); err != nil || f.url.Host == "" || f.url.Scheme != "http" && f.url.Scheme != "https" {
		return usagef("the URL must be such as http://127.0.0.1:8000/healthcheck")
	}
	if !stepsGiven {
		f.Steps = []int{f.connections}
	}
	bounds := []struct {
		flag  string
		wrong bool
		rule  string
	}{
		{"--connections and --steps", len(f.Steps) == 0 || slices.Min(f.Steps) < 1 || slices.Max(f.Steps) > stress.MaxConnections, fmt.Sprintf("between 1 and %d", stress.MaxConnections)},
		{"--rate", f.Rate < 0 || f.Rate > 1_000_000, "between 0 and 1000000 a second"},
		{"--duration", f.Duration < time.Second || f.Duration > stress.MaxDuration, fmt.Sprintf("between 1s and %v", stress.MaxDuration)},
		{"--timeout", f.Timeout <= 0 || f.Timeout > stress.MaxTimeout, fmt.Sprintf("more than 0, at most %v", stress.MaxTimeout)},
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
		f.FailIf = append(f.FailIf, condition)
	}
	return f.checkPool()
}

// checkPool sets the pool whose metrics the report has.
func (f *stressFlags) checkPool() error {
	if f.pool != "" && f.surgeQueue != "" {
		return usagef("--pool and --surge-queue exclude each other")
	}
	text := cmp.Or(f.pool, f.surgeQueue)
	if text == "" {
		return nil
	}
	var ok bool
	if f.id, ok = parsePool(text); !ok {
		return usagef("--pool and --surge-queue: %q is not the id of a pool, such as tg/web-elb", text)
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

// reportFile is a file for the report in one format.
type reportFile struct {
	*os.File
	format func(stress.Report, io.Writer) error
}

// createFiles opens the files before the load starts, so that errors show early.
func (f *stressFlags) createFiles() (files []reportFile, err error) {
	formats := map[string]func(stress.Report, io.Writer) error{f.html: stress.Report.WriteHTML, f.json: stress.Report.WriteJSON}
	delete(formats, "")
	for name, format := range formats {
		file, err := os.Create(name)
		if err != nil {
			return nil, statusError{err, ExitUsage}
		}
		files = append(files, reportFile{file, format})
	}
	return files, nil
}

func writeFiles(files []reportFile, report stress.Report) (err error) {
	for _, file := range files {
		err = errors.Join(err, file.format(report, file), file.Sync(), file.Close())
	}
	return err
}
