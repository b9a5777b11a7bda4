package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// trafficFleet has three web servers behind a load balancer with draining and a short
// health check interval.
const trafficFleet = `
registrationDelay: 100ms
loadBalancers:
  - name: slow-elb
    listeners: [{protocol: HTTP, port: 80, instancePort: 8080}]
    healthCheck: {target: "HTTP:8080/", interval: 5s, timeout: 2s, unhealthyThreshold: 2, healthyThreshold: 2}
    draining: {timeout: 60s}
    members: [i-0a11ce0000000ab01, i-0a11ce0000000ab02, i-0a11ce0000000ab03]
instances:
  - {id: i-0a11ce0000000ab01}
  - {id: i-0a11ce0000000ab02}
  - {id: i-0a11ce0000000ab03}
`

// traffic is the emulator's statistics of a load balancer.
type traffic struct {
	LoadBalancer string
	Listeners    []struct{ URL string }
	Members      []trafficMember
	Waiting      int
	Spilled      int
}

// trafficMember is the emulator's statistics of a member.
type trafficMember struct {
	InstanceID string
	InService  bool
	InFlight   int
}

func (a aws) traffic() []traffic {
	a.client.t.Helper()
	return decoded[[]traffic](a.client.t, a.get("/_emulator/traffic").body)
}

// carrying starts an emulated AWS with a load balancer that carries traffic, waits until
// all members serve, and returns the listener's URL.
func carrying(t *testing.T, arguments ...string) (a aws, url string) {
	t.Helper()
	a = startAWS(t, append([]string{"--fleet", fleetFile(t, trafficFleet), "--data-plane"}, arguments...)...)
	eventually(t, "all members serve", func() bool {
		n := 0
		for _, m := range a.traffic()[0].Members {
			if m.InService {
				n++
			}
		}
		return n == 3
	})
	return a, a.traffic()[0].Listeners[0].URL
}

// awsVariables are the environment of a command that calls the emulated AWS.
var awsVariables = []string{"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1"}

// load starts lsapi stress; report waits for its report.
func load(t *testing.T, arguments ...string) (report func() stressReport) {
	t.Helper()
	p := start(t, append([]string{"stress", "-o", "json"}, arguments...))
	return func() stressReport {
		t.Helper()
		if status := p.wait(); status != 0 {
			t.Fatalf("it ends with %d: %s", status, p.stderr)
		}
		return decoded[stressReport](t, p.stdout.String())
	}
}

// As in a deployment, each member in turn is detached through the API, stopped, started
// and attached. No request through the load balancer fails.
func TestReplacingMembersUnderLoadFailsNoRequest(t *testing.T) {
	t.Parallel()
	a, url := carrying(t)
	s := startService(t, a.base)
	report := load(t, "--connections", "12", "--duration", "12s", url+"/?sleep=20ms")
	began := time.Now()
	for _, id := range []string{"i-0a11ce0000000ab01", "i-0a11ce0000000ab02", "i-0a11ce0000000ab03"} {
		if answer := s.detachAndWait(id, "60s"); answer.status != http.StatusCreated {
			t.Fatalf("detaching %s is %d %s", id, answer.status, answer.body)
		}
		for _, action := range []string{"StopInstances", "StartInstances"} {
			a.do(action, "InstanceId.1="+id)
		}
		if answer := s.send(http.MethodPost, "/elb/slow-elb?wait=true&timeout=60s", machineID(id)); answer.status != http.StatusCreated {
			t.Fatalf("attaching %s is %d %s", id, answer.status, answer.body)
		}
	}
	took := time.Since(began)
	step := report().Steps[0]
	if step.Requests < 100 || step.Failed > 0 || step.Statuses["200"] != step.Requests {
		t.Errorf("while three were replaced in %v, the load was %+v", took, step)
	}
	if took > 12*time.Second {
		t.Logf("the load ended before all were replaced, which took %v", took)
	}
}

func TestStressShowsSurgeQueueAndSpillover(t *testing.T) {
	t.Parallel()
	a, url := carrying(t, "--member-concurrency", "1")
	report := load(t, "--connections", "60", "--duration", "2s", "--surge-queue", "slow-elb", "--aws-endpoint", a.base, url+"/?sleep=100ms")()
	step := report.Steps[0]
	longest := 0
	for _, second := range step.Seconds {
		if second.Waiting != nil {
			longest = max(longest, *second.Waiting)
		}
	}
	if longest < 40 || longest > 57 || step.Failed > 0 {
		t.Errorf("of 60 connections to three members that serve one at a time, %d wait at most; %+v", longest, step)
	}
	for name, test := range map[string]struct {
		arguments []string
		word      string
	}{
		"no load balancer": {[]string{"--surge-queue", "no-such-elb", "--aws-endpoint", a.base}, "no-such-elb"},
		"no data plane":    {[]string{"--surge-queue", "default-elb", "--aws-endpoint", startAWS(t).base}, "--data-plane"},
		"no emulator":      {[]string{"--surge-queue", "slow-elb", "--aws-endpoint", "http://127.0.0.1:9"}, "cannot be read"},
	} {
		status, _, stderr := run(t, append(append([]string{"stress"}, test.arguments...), url), with(awsVariables...))
		if status != 1 || !strings.Contains(stderr, test.word) {
			t.Errorf("%s: status %d, %s", name, status, stderr)
		}
	}
}

func TestDemoServiceRespondsThroughItsLoadBalancer(t *testing.T) {
	t.Parallel()
	demo := startDemo(t, onFreePorts)
	demo.waitFor(demo.stdout, `through default-elb.*\ncurl .*\n`)
	found := regexp.MustCompile(`default-elb, HTTP port 80: (http://127\.0\.0\.1:\d+)`).FindStringSubmatch(demo.stdout.String())
	if found == nil {
		t.Fatalf("it prints no address:\n%s", demo.stdout)
	}
	through := client{t: t, base: found[1], authorization: "Basic ZGVtbzpkZW1v"}
	eventually(t, "it answers", func() bool { return through.get("/elb/default-elb").status == http.StatusOK })
	if ids := through.get("/elb/default-elb").ids(t); len(ids) != 1 || ids[0] != "i-0592fe5ccee879f04" {
		t.Errorf("the members are %v", ids)
	}
	if strings.Contains(demo.stderr.String(), "X-Forwarded-For") {
		t.Errorf("the service does not trust its load balancer:\n%s", demo.stderr)
	}
}

func TestEmulatorReportsDataPlaneErrors(t *testing.T) {
	for word, arguments := range map[string][]string{
		"--member-concurrency": {"--data-plane", "--member-concurrency", "0"},
		"is for --data-plane":  {"--member-concurrency", "5"},
		"--backend":            {"--data-plane", "--backend", "web=127.0.0.1:80"},
		"for --data-plane":     {"--backend", "i-0a11ce0000000ab01=127.0.0.1:80"},
	} {
		status, _, stderr := run(t, append([]string{"emulator", "--listen", "127.0.0.1:0"}, arguments...))
		if status != 2 || !strings.Contains(stderr, word) {
			t.Errorf("%v ends with %d %s", arguments, status, stderr)
		}
	}
}
