package e2e

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// balancedFleet has three web servers behind an Application Load Balancer, whose
// deregistration delay is longer than the slowest request of a test.
const balancedFleet = `
registrationDelay: 100ms
targetGroups:
  - name: web
    port: 8080
    healthCheck: {interval: 5s, timeout: 2s, unhealthyThreshold: 2, healthyThreshold: 2}
    attributes: {deregistration_delay.timeout_seconds: 3}
    targets: [i-0a11ce0000000ab01, i-0a11ce0000000ab02, i-0a11ce0000000ab03]
  - {name: empty, port: 8080}
  - {name: unrouted, port: 8080}
applicationLoadBalancers:
  - name: front
    listeners: [{protocol: HTTP, port: 80, forward: {web: 1}, rules: [{paths: [/empty], forward: {empty: 1}}]}]
instances:
  - {id: i-0a11ce0000000ab01}
  - {id: i-0a11ce0000000ab02}
  - {id: i-0a11ce0000000ab03}
`

var balancedMembers = []string{"i-0a11ce0000000ab01", "i-0a11ce0000000ab02", "i-0a11ce0000000ab03"}

// balanced starts an emulated AWS with an Application Load Balancer that carries traffic,
// waits until all targets serve, and returns the listener's URL.
func balanced(t *testing.T, arguments ...string) (a aws, url string) {
	t.Helper()
	a = startAWS(t, append([]string{"--fleet", fleetFile(t, balancedFleet), "--data-plane"}, arguments...)...)
	eventually(t, "all targets serve", func() bool {
		front := a.traffic()[0]
		url = front.Listeners[0].URL
		return len(front.Members) == 3 && !slices.ContainsFunc(front.Members, func(m trafficMember) bool { return !m.InService })
	})
	return a, url
}

// As in a deployment, the command takes each target in turn out of its group, waits until it
// is drained, and brings it back after a restart. No request fails, short or long.
func TestReplacingTargetsUnderLoadFailsNoRequest(t *testing.T) {
	t.Parallel()
	a, url := balanced(t)
	s := startService(t, a.base)
	eventually(t, "the group is read", func() bool { return strings.Contains(s.get("/v1/pools/tg/web").body, `"memberCount":3`) })
	loads := []*process{
		start(t, []string{"stress", "-o", "json", "--connections", "12", "--duration", "10m", "--pool", "tg/web", "--aws-endpoint", a.base, url + "/?sleep=20ms"}, with(awsVariables...)),
		start(t, []string{"stress", "-o", "json", "--connections", "6", "--duration", "10m", url + "/?sleep=2s"}),
	}
	eventually(t, "all targets have requests in flight", func() bool {
		return !slices.ContainsFunc(a.traffic()[0].Members, func(m trafficMember) bool { return m.InFlight < 2 })
	})
	lsapi := func(arguments ...string) {
		t.Helper()
		if status, stdout, stderr := run(t, arguments, with(s.asUser()...)); status != 0 {
			t.Fatalf("lsapi %s: status %d, %s%s", strings.Join(arguments, " "), status, stdout, stderr)
		}
	}
	for _, id := range balancedMembers {
		lsapi("tg", "detach", "web", id, "--wait", "--timeout", "2m")
		for _, action := range []string{"StopInstances", "StartInstances"} {
			a.do(action, "InstanceId.1="+id)
		}
		lsapi("tg", "attach", "web", id, "--wait", "--timeout", "2m")
	}
	for i, p := range loads {
		p.signal(syscall.SIGINT)
		if status := p.wait(); status != 0 {
			t.Fatalf("load %d ends with %d: %s", i, status, p.stderr)
		}
		report := decoded[stressReport](t, p.stdout.String())
		step := report.Steps[0]
		if step.Requests < 18 || step.Failed > 0 || step.Statuses["200"] != step.Requests {
			t.Errorf("load %d was %+v", i, step)
		}
		if i > 0 {
			continue
		}
		sum := report.sum()
		if sum.Requests < step.Requests || sum.Target2XX != sum.Requests || sum.Target5XX+sum.ELB5XX > 0 || sum.HealthyMin != 2 {
			t.Errorf("CloudWatch has %+v", report.TargetGroup)
		}
	}
}

// sum returns the sums of the minutes, and the fewest healthy and most unhealthy targets.
func (r stressReport) sum() (sum groupMinute) {
	for i, m := range r.TargetGroup.Minutes {
		sum.Requests, sum.Target2XX = sum.Requests+m.Requests, sum.Target2XX+m.Target2XX
		sum.Target5XX, sum.ELB5XX = sum.Target5XX+m.Target5XX, sum.ELB5XX+m.ELB5XX
		sum.ResponseMaxSeconds = max(sum.ResponseMaxSeconds, m.ResponseMaxSeconds)
		sum.UnhealthyMax = max(sum.UnhealthyMax, m.UnhealthyMax)
		if i == 0 || m.HealthyMin < sum.HealthyMin {
			sum.HealthyMin = m.HealthyMin
		}
	}
	return sum
}

func TestStressShowsCloudWatchOfTargetGroup(t *testing.T) {
	t.Parallel()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/work" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(broken.Close)
	a, url := balanced(t, "--backend", balancedMembers[0]+"="+strings.TrimPrefix(broken.URL, "http://"))
	status, stdout, stderr := run(t, []string{"stress", "-o", "json", "--connections", "6", "--duration", "2s", "--pool", "tg/web", "--aws-endpoint", a.base, url + "/work?sleep=50ms"}, with(awsVariables...))
	report := decoded[stressReport](t, stdout)
	sum, step := report.sum(), report.Steps[0]
	if status != 0 || stderr != "" || report.TargetGroup.Name != "web" || report.TargetGroup.LoadBalancer != "front" {
		t.Fatalf("status %d, %+v, %s", status, report.TargetGroup, stderr)
	}
	if sum.Requests != step.Requests || sum.Target2XX != step.Statuses["200"] || sum.Target5XX != step.Statuses["500"] || sum.Target5XX == 0 || sum.ELB5XX != 0 ||
		sum.ResponseMaxSeconds < 0.05 || sum.HealthyMin != 3 || sum.UnhealthyMax != 0 {
		t.Errorf("of %+v CloudWatch has %+v", step, report.TargetGroup)
	}
	for _, second := range step.Seconds {
		if second.Waiting != nil {
			t.Errorf("a target group has a surge queue: %+v", second)
		}
	}
	// All requests get errors of the load balancer, and the report has them.
	status, stdout, _ = run(t, []string{"stress", "--connections", "2", "--duration", "1s", "--pool", "tg/empty", url + "/empty"},
		with(awsVariables...), with("AWS_ENDPOINT_URL="+a.base))
	if status != 1 || !strings.Contains(stdout, "Target group empty behind front, by CloudWatch\n") || !strings.Contains(stdout, "503 Service Unavailable") {
		t.Errorf("status %d, %s", status, stdout)
	}
}

func TestStressNamesTargetGroupWithoutMetrics(t *testing.T) {
	t.Parallel()
	a, url := balanced(t)
	for name, test := range map[string]struct {
		arguments []string
		status    int
		word      string
	}{
		"no target group":   {[]string{"--pool", "tg/no-such-group", "--aws-endpoint", a.base}, 1, "no target group named no-such-group"},
		"no load balancer":  {[]string{"--pool", "tg/unrouted", "--aws-endpoint", a.base}, 1, "no load balancer forwards"},
		"no data plane":     {[]string{"--pool", "tg/web-elb", "--aws-endpoint", startAWS(t).base}, 1, "--data-plane"},
		"no emulator":       {[]string{"--pool", "tg/web", "--aws-endpoint", "http://127.0.0.1:9"}, 1, "cannot be read"},
		"Classic by name":   {[]string{"--pool", "web", "--aws-endpoint", a.base}, 1, "no load balancer named web"},
		"Classic by its id": {[]string{"--pool", "elb/web", "--aws-endpoint", a.base}, 1, "no load balancer named web"},
		"another kind":      {[]string{"--pool", "alb/web"}, 2, "tg/web-elb"},
		"both flags":        {[]string{"--pool", "tg/web", "--surge-queue", "web"}, 2, "exclude each other"},
	} {
		status, stdout, stderr := run(t, append(append([]string{"stress", "--duration", "1s"}, test.arguments...), url), with(awsVariables...))
		if status != test.status || stdout != "" || !strings.Contains(stderr, test.word) {
			t.Errorf("%s: status %d, %s%s", name, status, stdout, stderr)
		}
	}
}
