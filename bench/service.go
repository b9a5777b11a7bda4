package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"lsapi/bench/internal/process"
	"lsapi/bench/internal/report"
)

// The service's only user, for this run.
const user, password = "bench", "bench"

// authorization is the value of their header.
func authorization() string { return "Basic " + credentials() }

func credentials() string { return base64.StdEncoding.EncodeToString([]byte(user + ":" + password)) }

// nowhere is an endpoint without a listener, for services that do not call AWS.
const nowhere = "http://127.0.0.1:9"

// service is a process that serves lists: lsapi or a yardstick.
type service struct {
	*process.Process
	address string
}

// launch describes a start of lsapi serve.
type launch struct {
	aws string // the endpoint
	// record is the URL of the record; a new file if empty.
	record string
	args   []string // in addition to those of every run
	env    []string // likewise
	// within, if given, is a command that runs another: taskset -c 0.
	within []string
	// original starts the service that calls AWS on every request, in place of lsapi.
	original bool
}

// startService starts lsapi serve or the original, its log in a file.
func (b *bench) startService(ctx context.Context, l launch) (*service, error) {
	address, err := process.FreeAddress()
	if err != nil {
		return nil, err
	}
	if l.record == "" {
		if l.record, err = b.newRecord(); err != nil {
			return nil, err
		}
	}
	serve := []string{b.binary, "serve", "--env-file", os.DevNull}
	if l.original {
		serve = []string{b.original}
	}
	words := slices.Concat(l.within, serve, []string{"--listen", address, "--aws-endpoint", l.aws}, l.args)
	p, err := process.Start(ctx, process.Command{
		Path:   words[0],
		Args:   words[1:],
		Env:    append(l.env, "STORE_URL="+l.record, "API_TOKEN="+credentials(), "AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=bench"),
		Output: b.file("lsapi.log"),
		Ready:  "http://" + address + "/healthcheck",
	})
	if err != nil {
		return nil, err
	}
	return &service{p, address}, nil
}

func (s *service) url(path string) string { return "http://" + s.address + path }

// request returns a request with credentials.
func (s *service) request(ctx context.Context, method, path, body string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.url(path), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", authorization())
	return request, nil
}

// answer is a complete 200 response to a GET.
type answer struct {
	header http.Header
	body   []byte
}

// get returns the response to a GET; any status but 200 is an error.
func (s *service) get(ctx context.Context, path string) (answer, error) {
	request, err := s.request(ctx, http.MethodGet, path, "")
	if err != nil {
		return answer{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", path, response.Status, body)
	}
	return answer{response.Header, body}, err
}

// warm reads a list once, so that the service has it in memory.
func (s *service) warm(ctx context.Context, path string) error {
	_, err := s.get(ctx, path)
	return err
}

// Metrics of lsapi.
const (
	refreshMetric   = "lsapi_snapshot_refresh_duration_seconds"
	listsMetric     = "lsapi_snapshot_load_balancers"
	boundMetric     = "lsapi_snapshot_bound_seconds"
	coldAgeMetric   = "lsapi_snapshot_cold_age_seconds"
	throttlesMetric = "lsapi_aws_throttles_total"
	appendsMetric   = "lsapi_record_append_duration_seconds"
)

// metric returns the sum of a metric's values over all labels, of a histogram the number
// of observations; 0 if the metric does not exist.
func (s *service) metric(ctx context.Context, name string) (float64, error) {
	sum, _, err := s.histogram(ctx, name)
	return sum, err
}

// histogram returns a metric, and the buckets of a histogram.
func (s *service) histogram(ctx context.Context, name string) (sum float64, all buckets, err error) {
	said, err := s.get(ctx, "/metrics")
	if err != nil {
		return 0, nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(said.body))
	if err != nil {
		return 0, nil, fmt.Errorf("/metrics: %w", err)
	}
	all = make(buckets)
	for _, m := range families[name].GetMetric() {
		sum += m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		for _, b := range m.GetHistogram().GetBucket() {
			all[b.GetUpperBound()] += float64(b.GetCumulativeCount())
		}
	}
	return sum, all, nil
}

const (
	fillBound = 4 * time.Minute // the largest fleet waits for its budget for half of it
	fillPoll  = 50 * time.Millisecond
)

// untilMetric waits until a metric reaches a value.
func (s *service) untilMetric(ctx context.Context, name string, wanted float64) error {
	bounded, cancel := context.WithTimeout(ctx, fillBound)
	defer cancel()
	for {
		got, err := s.metric(bounded, name)
		if err != nil || got >= wanted {
			return err
		}
		if err := pause(bounded, fillPoll); err != nil {
			return fmt.Errorf("wait for %s to be %v: it is %v: %w", name, wanted, got, err)
		}
	}
}

// sampleEvery is the interval of samples of memory.
const sampleEvery = time.Second

// peakMemory returns the maximum memory of the service until the context ends, in MiB.
func (s *service) peakMemory(ctx context.Context) (mebibytes float64, err error) {
	for {
		usage, err := s.Usage()
		if err != nil {
			return mebibytes, err
		}
		mebibytes = max(mebibytes, report.Mebibytes(usage.Resident))
		if pause(ctx, sampleEvery) != nil {
			return mebibytes, nil //nolint:nilerr // the run is over
		}
	}
}

// usageOver runs a function and returns the service's usage during it.
func (s *service) usageOver(run func() error) (spent process.Usage, err error) {
	before, err := s.Usage()
	if err != nil {
		return process.Usage{}, err
	}
	if err := run(); err != nil {
		return process.Usage{}, err
	}
	after, err := s.Usage()
	after.CPU -= before.CPU
	return after, err
}
