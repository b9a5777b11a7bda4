package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// samples returns the values of all series by name{label="value"}, and the _count, _sum
// and _bucket of histograms.
func (s *service) samples(t *testing.T) map[string]float64 {
	t.Helper()
	answer := s.on(t).get("/metrics")
	if answer.status != http.StatusOK {
		t.Fatalf("the metrics are %d %s", answer.status, answer.body)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(answer.body))
	if err != nil {
		t.Fatal(err)
	}
	samples := map[string]float64{}
	for _, family := range families {
		vector, err := expfmt.ExtractSamples(&expfmt.DecodeOptions{}, family)
		if err != nil {
			t.Fatal(err)
		}
		for _, sample := range vector {
			samples[sample.Metric.String()] = float64(sample.Value)
		}
	}
	return samples
}

// metric returns the sum of the series with a name and all of these labels, each as
// label="value"; 0 if there are none.
func (s *service) metric(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	return sum(s.samples(t), name, labels...)
}

func sum(samples map[string]float64, name string, labels ...string) float64 {
	total := 0.0
	for series, value := range samples {
		base, rest, _ := strings.Cut(series, "{")
		if base == name && !slices.ContainsFunc(labels, func(label string) bool { return !strings.Contains(rest, label) }) {
			total += value
		}
	}
	return total
}

func TestMetricsNeedCredentialsUnlessPublic(t *testing.T) {
	for name, test := range map[string]struct {
		settings  []setting
		anonymous int
	}{
		"by default":       {nil, http.StatusUnauthorized},
		"with the setting": {[]setting{with("METRICS_PUBLIC=false")}, http.StatusUnauthorized},
		"when public":      {[]setting{with("METRICS_PUBLIC=true")}, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startService(t, "http://127.0.0.1:1", test.settings...)
			if answer := s.on(t).anonymous().get("/metrics"); answer.status != test.anonymous ||
				(answer.header.Get("WWW-Authenticate") != "") != (answer.status == http.StatusUnauthorized) ||
				strings.Contains(answer.body, "lsapi_build_info") != (answer.status == http.StatusOK) {
				t.Errorf("without credentials: %d %s", answer.status, answer.body)
			}
			wrong := s.on(t)
			wrong.authorization = basic(user + ":wrong")
			if answer := wrong.get("/metrics"); answer.status != test.anonymous {
				t.Errorf("with wrong ones: %d", answer.status)
			}
			if answer := s.on(t).get("/metrics"); answer.status != http.StatusOK || !strings.HasPrefix(answer.header.Get("Content-Type"), "text/plain") {
				t.Errorf("with credentials: %d %s", answer.status, answer.header.Get("Content-Type"))
			}
		})
	}
}

func TestMetricsCountRequestsCallsAndChanges(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	idle := s.samples(t)
	s.get(defaultList)
	s.get(defaultList)
	s.get("/elb/no-such-elb")
	s.attach("default-elb", spare)
	s.attach("default-elb", spare)
	s.detach("default-elb", spare)
	eventually(t, "the region is listed", func() bool { return s.metric(t, "lsapi_snapshot_load_balancers") > 1 })
	busy := s.samples(t)

	const route = `route="/elb/{elbName}"`
	for _, test := range []struct {
		name   string
		labels []string
		grew   float64
	}{
		{"lsapi_http_request_duration_seconds_count", []string{route, `method="GET"`, `status="200"`}, 2},
		{"lsapi_http_request_duration_seconds_bucket", []string{route, `method="GET"`, `status="200"`, `le="+Inf"`}, 2},
		{"lsapi_http_request_duration_seconds_count", []string{route, `method="GET"`, `status="404"`}, 1},
		{"lsapi_http_request_duration_seconds_count", []string{route, `method="POST"`, `status="201"`}, 1},
		{"lsapi_http_request_duration_seconds_count", []string{route, `method="POST"`, `status="409"`}, 1},
		{"lsapi_http_request_duration_seconds_count", []string{route, `method="DELETE"`, `status="201"`}, 1},
		{"lsapi_aws_call_duration_seconds_count", []string{`operation="RegisterInstancesWithLoadBalancer"`, `outcome="ok"`}, 1},
		{"lsapi_aws_call_duration_seconds_count", []string{`operation="DeregisterInstancesFromLoadBalancer"`, `outcome="ok"`}, 1},
		{"lsapi_budget_attempts_total", []string{`category="elb-write"`}, 2},
		{"lsapi_lane_batch_size_count", []string{`action="attach"`}, 1},
		{"lsapi_lane_batch_size_sum", []string{`action="detach"`}, 1},
		{"lsapi_changes_total", []string{`action="attach"`, `outcome="applied"`}, 1},
		{"lsapi_changes_total", []string{`action="attach"`, `outcome="conflict"`}, 1},
		{"lsapi_changes_total", []string{`action="detach"`, `outcome="applied"`}, 1},
		{"lsapi_aws_throttles_total", nil, 0},
		{"lsapi_aws_retries_total", nil, 0},
		{"lsapi_lanes", nil, 1},
		{"lsapi_build_info", []string{`goversion="go1.`}, 0},
	} {
		if grew := sum(busy, test.name, test.labels...) - sum(idle, test.name, test.labels...); grew != test.grew {
			t.Errorf("%s%v grew by %v, want %v", test.name, test.labels, grew, test.grew)
		}
	}
	if calls, counted := a.calls()["DescribeLoadBalancers"], sum(busy, "lsapi_aws_call_duration_seconds_count", `operation="DescribeLoadBalancers"`); counted < 1 || int(counted) > calls {
		t.Errorf("%v of %d calls were counted", counted, calls)
	}
}

func TestGaugesReportState(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t, with("MAX_STALENESS=2s", "BUDGET_ELB_WRITE=3+0.001"))
	s.get(defaultList)
	eventually(t, "the region is listed and swept", func() bool { s.get(defaultList); return s.metric(t, "lsapi_snapshot_load_balancers") == 4 })
	s.attach("default-elb", spare)
	for name, want := range map[string][2]float64{ // from, to
		`lsapi_budget_tokens{category="elb-write"}`:    {2, 2.5},
		`lsapi_budget_tokens{category="elb-read"}`:     {30, 40},
		`lsapi_budget_tokens{category="ec2-filtered"}`: {90, 100},
		`lsapi_budget_tokens{category="ec2-plain"}`:    {50, 50},
		`lsapi_budget_waiting{category="elb-write"}`:   {0, 0},
		"lsapi_snapshot_load_balancers":                {4, 4},
		"lsapi_snapshot_members":                       {13, 13},
		"lsapi_snapshot_bytes":                         {300, 2000},
		"lsapi_snapshot_bound_seconds":                 {2, 4},
		`lsapi_snapshot_age_seconds{kind="elb"}`:       {0.000001, 4},
		`lsapi_snapshot_age_seconds{kind="tg"}`:        {0.000001, 4},
		`lsapi_snapshot_denied{kind="tg"}`:             {0, 0},
		"lsapi_lane_depth":                             {0, 0},
		"lsapi_lane_waiting":                           {0, 0},
	} {
		if got, ok := s.samples(t)[name]; !ok || got < want[0] || got > want[1] {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	eventually(t, "an age was achieved", func() bool { s.get(defaultList); return s.metric(t, "lsapi_snapshot_achieved_seconds") > 0 })
}

func TestThrottlesAndRetriesAreCounted(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	s.get(defaultList)
	a.fault(t, `{"action":"RegisterInstancesWithLoadBalancer","kind":"throttle","count":2}`)
	if answer := s.attach("default-elb", spare); answer.status != http.StatusCreated {
		t.Fatalf("%d %s", answer.status, answer.body)
	}
	samples := s.samples(t)
	for name, want := range map[string]float64{
		`lsapi_aws_throttles_total{category="elb-write"}`:                                                   2,
		`lsapi_aws_retries_total{operation="RegisterInstancesWithLoadBalancer"}`:                            2,
		`lsapi_budget_attempts_total{category="elb-write"}`:                                                 3,
		`lsapi_aws_call_duration_seconds_count{operation="RegisterInstancesWithLoadBalancer",outcome="ok"}`: 1,
	} {
		base, labels, _ := strings.Cut(strings.TrimSuffix(name, "}"), "{")
		if got := sum(samples, base, strings.Split(labels, ",")...); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	a.fault(t, `{"action":"*","kind":"denied","probability":1}`)
	eventually(t, "a refresh that fails is counted by its outcome", func() bool {
		s.get(defaultList)
		return s.metric(t, "lsapi_snapshot_refresh_duration_seconds_count", `outcome="forbidden"`) > 0
	})
}

func TestUnknownPathsAndMethodsAddNoSeries(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t, with("METRICS_PUBLIC=true"))
	strange := func(n int) {
		for _, method := range []string{"GET", "PUT", fmt.Sprintf("BREW%d", n)} {
			for _, path := range []string{"/teapot-%d", "/elb/lb-%d", "/elb/lb-%d/deeper", "/elb/%%2e%d", "//%d", "/metrics?n=%d", "/docs/%d", "/metrics/%d", "/swagger.json/%d"} {
				s.send(method, fmt.Sprintf(path, n), "")
				s.anonymous().send(method, fmt.Sprintf(path, n), "")
			}
		}
	}
	strange(0)
	before := s.samples(t)
	for n := range 5 {
		strange(n + 1)
	}
	for series := range s.samples(t) {
		if _, ok := before[series]; !ok && strings.HasPrefix(series, "lsapi_http") {
			t.Errorf("there is a new series %s", series)
		}
	}
	if got := sum(before, "lsapi_http_request_duration_seconds_count", `method="other"`); got == 0 {
		t.Error("unknown methods are not counted")
	}
}

func TestMetricsContainNoLoadBalancersAndNoCredentials(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t, with("AWS_ACCESS_KEY_ID=AKIATEST", "AWS_SECRET_ACCESS_KEY=hush-hush"))
	s.get(defaultList)
	s.attach("default-elb", spare)
	s.detach("web-elb", member)
	s.get("/elb/no-such-elb")
	s.send(http.MethodGet, defaultList, "", "Authorization: Basic "+apiToken()+"x")
	text := s.get("/metrics").body
	for _, secret := range []string{"default-elb", "web-elb", "no-such-elb", spare, member, user, password, apiToken(), "AKIATEST", "hush-hush", strings.TrimPrefix(a.base, "http://")} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in the metrics", secret)
		}
	}
}

func TestMetricsPassPromlint(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	s.get(defaultList)
	s.attach("default-elb", spare)
	problems, err := promlint.New(strings.NewReader(s.get("/metrics").body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		if strings.HasPrefix(problem.Metric, "lsapi_") {
			t.Errorf("%s: %s", problem.Metric, problem.Text)
		}
	}
}

// A 0 would hide that the value is unknown.
func TestGaugesOfUnknownValuesAreAbsent(t *testing.T) {
	t.Parallel()
	names := []string{"lsapi_clock_offset_seconds", "lsapi_snapshot_achieved_seconds", "lsapi_snapshot_load_balancers", "lsapi_snapshot_members"}
	away := seriesOf(startService(t, "http://127.0.0.1:1").samples(t))
	_, s := startBoth(t)
	s.get(defaultList)
	eventually(t, "the region is listed", func() bool { return s.samples(t)["lsapi_snapshot_members"] > 0 })
	there := seriesOf(s.samples(t))
	for _, name := range names {
		if len(away[name]) > 0 || len(there[name]) == 0 {
			t.Errorf("%s: %v before an answer of AWS, %v after it", name, away[name], there[name])
		}
	}
}

// rate() misses failures in the first sample of a series.
func TestFailureCountersStartAtZero(t *testing.T) {
	t.Parallel()
	samples := startService(t, "http://127.0.0.1:1").samples(t)
	for _, series := range []string{
		`{method="GET", route="/elb/{elbName}", status="504"}`,
		`{method="DELETE", route="/elb/{elbName}", status="503"}`,
		`{method="GET", route="/v1/pools", status="502"}`,
		`{method="GET", route="/v1/pools/{kind}/{name}/members/{member}", status="500"}`,
		`{method="GET", route="/v1/changes", status="503"}`,
	} {
		if value, ok := samples["lsapi_http_request_duration_seconds_count"+series]; !ok || value != 0 {
			t.Errorf("%s is %v, %t", series, value, ok)
		}
	}
}
