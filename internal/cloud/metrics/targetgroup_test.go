package metrics_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lsapi/internal/cloud/metrics"
	"lsapi/internal/emulator"
	"lsapi/internal/emulator/dataplane"
)

// groupsFleet has groups behind an Application Load Balancer, one without targets, one behind
// a Network Load Balancer, and one behind none.
const groupsFleet = `
registrationDelay: 0s
targetGroups:
  - {name: web, port: 8080, targets: [i-0a11ce0000000ab01, i-0a11ce0000000ab02]}
  - {name: empty, port: 8080}
  - {name: flows, protocol: TCP, port: 8080}
  - {name: unrouted, port: 8080}
applicationLoadBalancers:
  - name: front
    listeners: [{protocol: HTTP, port: 80, forward: {web: 1}, rules: [{paths: [/empty], forward: {empty: 1}}]}]
networkLoadBalancers:
  - name: net
    listeners: [{protocol: TCP, port: 81, forward: {flows: 1}}]
instances:
  - {id: i-0a11ce0000000ab01}
  - {id: i-0a11ce0000000ab02}
`

func TestMinutesOfTargetGroupAreReadFromCloudWatch(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fleet.yaml")
	if err := os.WriteFile(file, []byte(groupsFleet), 0o600); err != nil {
		t.Fatal(err)
	}
	e, endpoint := emulate(t, file)
	began := time.Now()
	web, err := metrics.NewTargetGroup(t.Context(), "web", endpoint)
	if err != nil || web.LoadBalancer() != "front" {
		t.Fatalf("it is behind %v, %v", web, err)
	}
	if minutes, err := web.Minutes(t.Context(), began); err != nil || len(minutes) > 0 {
		t.Errorf("before any request they are %+v, %v", minutes, err)
	}
	front := e.Traffic()[0]
	eventually(t, "both serve", func() bool {
		front = e.Traffic()[0]
		return front.LoadBalancer == "front" && len(front.Members) == 2 && !slices.ContainsFunc(front.Members, func(m dataplane.Load) bool { return !m.InService })
	})
	const requests = 4
	for range requests {
		get(t, front.Listeners[0].URL+"/?sleep=20ms", http.StatusOK)
	}
	get(t, front.Listeners[0].URL+"/empty", http.StatusServiceUnavailable)
	minutes, err := web.Minutes(t.Context(), began)
	if err != nil {
		t.Fatal(err)
	}
	var sum metrics.Minute
	for _, m := range minutes {
		sum.Requests, sum.Target2XX, sum.Target5XX, sum.ELB5XX = sum.Requests+m.Requests, sum.Target2XX+m.Target2XX, sum.Target5XX+m.Target5XX, sum.ELB5XX+m.ELB5XX
		if m.At.Before(began.Truncate(time.Minute)) || m.Requests > 0 && (m.ResponseMean == nil || *m.ResponseMean < 0.02 || *m.ResponseMax < *m.ResponseMean || *m.Healthy != 2 || *m.Unhealthy != 0) {
			t.Errorf("a minute is %+v", m)
		}
	}
	if sum != (metrics.Minute{Requests: requests, Target2XX: requests, ELB5XX: 1}) {
		t.Errorf("the minutes have %+v", sum)
	}
	if err := e.AddFault(emulator.Fault{Action: "GetMetricData", Kind: emulator.FaultDenied, Count: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := web.Minutes(t.Context(), began); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("without the permission: %v", err)
	}
	for name, want := range map[string]string{"no-such-group": "no target group named no-such-group", "flows": "not an Application Load Balancer", "unrouted": "no load balancer forwards"} {
		if _, err := metrics.NewTargetGroup(t.Context(), name, endpoint); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("of %s: %v", name, err)
		}
	}
}
