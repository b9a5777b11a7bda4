package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"lsapi/internal/record/postgrestest"
)

// deployed returns a file of deploy/.
func deployed(t *testing.T, parts ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"..", "deploy"}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

type alertRules struct {
	Groups []struct {
		Rules []struct {
			Alert, Expr string
			Labels      struct{ Severity string }
			Annotations struct{ Summary, Description, Runbook string }
		}
	}
}

func alerts(t *testing.T) (rules alertRules) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(deployed(t, "prometheus", "lsapi.rules.yaml")), &rules); err != nil {
		t.Fatal(err)
	}
	return rules
}

// promtool evaluates each alert on series that make it fire, and on others.
func TestAlertRulesFireOnTheirSeriesOnly(t *testing.T) {
	t.Parallel()
	for _, arguments := range [][]string{{"check", "rules", "lsapi.rules.yaml"}, {"test", "rules", "lsapi.rules.test.yaml"}} {
		command := exec.CommandContext(t.Context(), "promtool", arguments...)
		command.Dir = filepath.Join("..", "deploy", "prometheus")
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", arguments, err, out)
		}
	}
	tests := deployed(t, "prometheus", "lsapi.rules.test.yaml")
	for _, group := range alerts(t).Groups {
		for _, rule := range group.Rules {
			for _, kind := range []string{" fires\n", " is silent\n"} {
				if rule.Alert != "" && !strings.Contains(tests, "- name: "+rule.Alert+kind) {
					t.Errorf("no test shows that %s%s", rule.Alert, kind)
				}
			}
		}
	}
}

func TestEachAlertHasARunbookSection(t *testing.T) {
	t.Parallel()
	runbook, err := os.ReadFile(filepath.Join("..", "docs", "runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range alerts(t).Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" {
				continue
			}
			if rule.Labels.Severity != "page" && rule.Labels.Severity != "morning" {
				t.Errorf("%s is of severity %q", rule.Alert, rule.Labels.Severity)
			}
			if rule.Annotations.Summary == "" || rule.Annotations.Description == "" || rule.Annotations.Runbook != "docs/runbook.md#"+strings.ToLower(rule.Alert) {
				t.Errorf("%s has %+v", rule.Alert, rule.Annotations)
			}
			if !strings.Contains(string(runbook), "\n### "+rule.Alert+"\n") {
				t.Errorf("the runbook has no section %s", rule.Alert)
			}
		}
	}
	for _, folder := range []string{"aws", filepath.Join("examples", "alb")} {
		alarms, err := os.ReadFile(filepath.Join("..", "terraform", folder, "alarms.tf"))
		if err != nil {
			t.Fatal(err)
		}
		named := regexp.MustCompile(`(?m)^ {4}([a-z0-9-]+) = \{`).FindAllStringSubmatch(string(alarms), -1)
		if len(named) == 0 {
			t.Errorf("no alarms in %s", folder)
		}
		for _, alarm := range named {
			if !strings.Contains(string(runbook), "\n### "+alarm[1]+"\n") {
				t.Errorf("the runbook has no section %s", alarm[1])
			}
		}
	}
}

// Rule tests must use series that exist, and from the start rather than from their first
// event.
func TestRuleTestsUseSeriesThatTheServiceExposes(t *testing.T) {
	t.Parallel()
	a := startAWS(t)
	postgres := startService(t, a.base, with("STORE_URL="+postgrestest.URL(t), "NOTIFY=https://hooks.example.com/lsapi", "POLICY="+guardAll(t)))
	fresh := seriesOf(postgres.samples(t))
	postgres.awaitHeadroom(t)
	postgres.on(t).anonymous().get(defaultList)
	postgres.get(defaultList) // the first request starts the route's series and the comparison with AWS's clock
	served := seriesOf(postgres.samples(t))
	for _, match := range regexp.MustCompile(`series: '([^']+)'`).FindAllStringSubmatch(deployed(t, "prometheus", "lsapi.rules.test.yaml"), -1) {
		name, labels := parseSeries(t, match[1])
		if name == "up" {
			continue
		}
		exposed := fresh
		switch failure := strings.HasPrefix(labels["status"], "5") && labels["route"] != "/readyz"; {
		case name == "lsapi_clock_offset_seconds":
			exposed = served
		case strings.HasPrefix(name, "lsapi_guard_headroom"):
			exposed, labels["pool"] = served, "" // of the pools whose health is known
		case strings.HasPrefix(name, "lsapi_http_request_") && !failure:
			exposed = served
			for label := range labels {
				labels[label] = "" // as many values as there are requests
			}
		}
		if !slices.ContainsFunc(exposed[name], func(has map[string]string) bool { return sameLabels(labels, has) }) {
			t.Errorf("the service does not have %s; of %s it has %v", match[1], name, exposed[name])
		}
	}
}

// guardAll returns a policy file that selects all pools by name.
func guardAll(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	writeUsers(t, path, "guards: [{pools: ['*/*'], minInService: 1}]\n")
	return path
}

// awaitHeadroom reads a pool until its headroom is known: without readers its health is not
// polled.
func (s *service) awaitHeadroom(t *testing.T) {
	t.Helper()
	eventually(t, "the headroom of a pool is known", func() bool {
		s.get("/v1/pools/elb/default-elb")
		return strings.Contains(s.get("/metrics").body, "\nlsapi_guard_headroom{")
	})
}

// sameLabels reports whether series have the same labels, and equal values where both
// are given.
func sameLabels(given, has map[string]string) bool {
	if len(given) != len(has) {
		return false
	}
	for label, value := range given {
		if got, ok := has[label]; !ok || value != "" && value != got {
			return false
		}
	}
	return true
}

// seriesOf returns the labels of all series by name.
func seriesOf(samples map[string]float64) map[string][]map[string]string {
	series := make(map[string][]map[string]string)
	for text := range samples {
		name, labels, _ := strings.Cut(text, "{")
		series[name] = append(series[name], parseLabels(labels))
	}
	return series
}

// parseSeries returns a series without the labels that Prometheus adds.
func parseSeries(t *testing.T, text string) (name string, labels map[string]string) {
	t.Helper()
	name, rest, _ := strings.Cut(text, "{")
	labels = parseLabels(rest)
	delete(labels, "instance")
	delete(labels, "job")
	return name, labels
}

func parseLabels(text string) map[string]string {
	labels := make(map[string]string)
	for _, match := range regexp.MustCompile(`([a-z_]+)="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		labels[match[1]] = match[2]
	}
	return labels
}

func TestSnapshotAgeBeforeFirstListingIsUptime(t *testing.T) {
	t.Parallel()
	s := startService(t, "http://127.0.0.1:1")
	before := s.metric(t, "lsapi_snapshot_age_seconds")
	eventually(t, "it grows", func() bool { return s.metric(t, "lsapi_snapshot_age_seconds") > before })
}

func TestEveryMetricOfRulesAndDashboardIsExposed(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t, with("NOTIFY=https://hooks.example.com/lsapi", "POLICY="+guardAll(t))) // each receiver and each guarded pool has series
	s.attach("default-elb", spare)                                                              // some metrics start with the first change,
	s.get("/elb/default-elb")                                                                   // and some with the first listing of the region
	s.awaitHeadroom(t)
	eventually(t, "the region is listed", func() bool {
		return strings.Contains(s.get("/metrics").body, "lsapi_snapshot_refresh_duration_seconds_count")
	})
	exposed := make(map[string]bool)
	for _, line := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(s.get("/metrics").body, -1) {
		exposed[line[1]] = true
		if line[2] == "histogram" {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				exposed[line[1]+suffix] = true
			}
		}
	}
	used := regexp.MustCompile(`\b(?:lsapi|process)_[a-z_0-9]+\b`)
	for _, file := range [][]string{{"prometheus", "lsapi.rules.yaml"}, {"prometheus", "lsapi.rules.test.yaml"}, {"grafana", "lsapi.json"}} {
		names := used.FindAllString(deployed(t, file...), -1)
		if len(names) == 0 {
			t.Errorf("%v names no metric", file)
		}
		for _, name := range names {
			if !exposed[name] {
				t.Errorf("%v uses %s, which the service does not expose", file, name)
			}
		}
	}
}
