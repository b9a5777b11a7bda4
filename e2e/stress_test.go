package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

type stressReport struct {
	URL         string
	Interrupted bool
	Steps       []struct {
		Connections, Requests, Failed int
		Throughput                    float64
		Latency, Corrected            struct{ P50, P99 float64 }
		Statuses                      map[string]int
		Seconds                       []struct{ Waiting *int }
	}
	TargetGroup struct {
		Name, LoadBalancer string
		Minutes            []groupMinute
	}
}

// groupMinute is a minute of a target group.
type groupMinute struct {
	Requests, Target2XX, Target5XX, ELB5XX int
	ResponseMaxSeconds                     float64
	HealthyMin, UnhealthyMax               int
}

func TestStressReportsLatencyAndThroughput(t *testing.T) {
	_, s := startBoth(t)
	page, file := filepath.Join(t.TempDir(), "report.html"), filepath.Join(t.TempDir(), "report.json")
	header := filepath.Join(t.TempDir(), "header")
	if err := os.WriteFile(header, []byte("Authorization: "+s.authorization+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := run(t, []string{
		"stress", "--steps", "1,2,4", "--duration", "1s", "-H", "@" + header,
		"--html", page, "--json", file, s.base + "/elb/default-elb",
	})
	if status != 0 || !strings.Contains(stdout, "Requests/sec:") || !strings.Contains(stdout, "connections") || stderr != "" {
		t.Errorf("status %d, %s%s", status, stdout, stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	report := decoded[stressReport](t, string(text))
	if len(report.Steps) != 3 || report.Interrupted {
		t.Fatalf("it reports %s", text)
	}
	for i, step := range report.Steps {
		if step.Connections != 1<<i || step.Requests == 0 || step.Failed > 0 || step.Statuses["200"] != step.Requests ||
			step.Throughput <= 0 || step.Latency.P50 <= 0 || step.Corrected.P99 < step.Latency.P50 {
			t.Errorf("a step is %+v", step)
		}
	}
	if html, err := os.ReadFile(page); err != nil || !strings.Contains(string(html), report.URL) {
		t.Errorf("the page lacks the report: %v", err)
	}
}

func TestStressUsesCredentialsOfURLWithoutPrintingThem(t *testing.T) {
	_, s := startBoth(t)
	url := strings.Replace(s.base, "://", "://"+user+":"+password+"@", 1) + "/elb/default-elb"
	status, stdout, stderr := run(t, []string{"stress", "--duration", "1s", "-o", "json", url})
	report := decoded[stressReport](t, stdout)
	if status != 0 || report.Steps[0].Failed > 0 || report.URL != s.base+"/elb/default-elb" || strings.Contains(stdout+stderr, password) {
		t.Errorf("status %d, %s%s", status, stdout, stderr)
	}
}

func TestInterruptedStressReportsPartialRun(t *testing.T) {
	a, s := startBoth(t)
	p := start(t, []string{"stress", "--duration", "1h", "-o", "json", s.base + "/nothing"})
	q := start(t, []string{"stress", "--duration", "1h", "-o", "json", s.base + "/healthcheck"})
	served := func() bool {
		metrics := s.get("/metrics").body
		return strings.Contains(metrics, `route="/healthcheck"`) && strings.Contains(metrics, `route="other"`)
	}
	eventually(t, "there is load", served)
	for _, each := range []*process{p, q} {
		each.signal(syscall.SIGINT)
	}
	if status, report := p.wait(), decoded[stressReport](t, p.stdout.String()); status != 1 || !report.Interrupted || report.Steps[0].Failed != report.Steps[0].Requests {
		t.Errorf("without a success: status %d, %s%s", status, p.stdout, p.stderr)
	}
	if status, report := q.wait(), decoded[stressReport](t, q.stdout.String()); status != 0 || !report.Interrupted || report.Steps[0].Requests == 0 || report.Steps[0].Failed > 0 {
		t.Errorf("status %d, %s%s", status, q.stdout, q.stderr)
	}
	if a.calls()["DescribeLoadBalancers"] > 0 {
		t.Error("AWS was called")
	}
}

func TestStressRejectsInvalidLoad(t *testing.T) {
	for name, test := range map[string]struct {
		arguments []string
		word      string
	}{
		"no URL":              {nil, "arg"},
		"a URL that is none":  {[]string{"127.0.0.1:8000"}, "URL"},
		"another scheme":      {[]string{"ftp://127.0.0.1/"}, "URL"},
		"no connections":      {[]string{"--connections", "0", "http://127.0.0.1:1/"}, "--connections"},
		"a step of none":      {[]string{"--steps", "1,0", "http://127.0.0.1:1/"}, "--steps"},
		"a negative rate":     {[]string{"--rate", "-1", "http://127.0.0.1:1/"}, "--rate"},
		"no time":             {[]string{"--duration", "0s", "http://127.0.0.1:1/"}, "--duration"},
		"a header that none":  {[]string{"-H", "Accept", "http://127.0.0.1:1/"}, "--header"},
		"a bad header name":   {[]string{"-H", "Ac cept: x", "http://127.0.0.1:1/"}, "--header"},
		"a bad header value":  {[]string{"-H", "Accept: x\ny", "http://127.0.0.1:1/"}, "--header"},
		"a method that none":  {[]string{"-X", "GET /", "http://127.0.0.1:1/"}, "--method"},
		"a body nowhere":      {[]string{"-d", "@/no/such/body", "http://127.0.0.1:1/"}, "/no/such/body: no such file"},
		"a type that none":    {[]string{"-d", "x", "--content-type", "a\nb", "http://127.0.0.1:1/"}, "--content-type"},
		"a bad condition":     {[]string{"--fail-if", "p98>1ms", "http://127.0.0.1:1/"}, "--fail-if"},
		"headers nowhere":     {[]string{"-H", "@/no/such/headers", "http://127.0.0.1:1/"}, "/no/such/headers: no such file"},
		"a file nowhere":      {[]string{"--html", "/no/such/folder/x.html", "http://127.0.0.1:1/"}, "/no/such/folder"},
		"a remote host":       {[]string{"http://192.0.2.1/"}, "--i-own-this-host"},
		"an output that none": {[]string{"-o", "xml", "http://127.0.0.1:1/"}, "--output"},
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := run(t, append([]string{"stress"}, test.arguments...))
			if status != 2 || stdout != "" || !strings.Contains(stderr, test.word) || strings.Count(strings.Split(stderr, "\nRun")[0], "\n") > 1 {
				t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
			}
		})
	}
}
