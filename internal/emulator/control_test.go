package emulator

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"

	"lsapi/internal/emulator/fleet"
)

func TestCallsCountFailedCallsToo(t *testing.T) {
	a := demo(t)
	a.fault(t, Fault{Action: register, Kind: FaultReset, Count: 1})
	var clients sync.WaitGroup
	for range 20 {
		clients.Go(func() {
			_, _ = a.described(t.Context(), "nope")             // refused, and counted
			_, _ = a.register(t.Context(), "default-elb", "i-") // refused or cut off, and counted
		})
	}
	clients.Wait()
	a.send(t, "POST", "/", "Version=2012-06-01&Action=DescribeTags", nil) // unsigned: not counted
	_, body := a.send(t, "GET", "/_emulator/calls", "", nil)
	if want := `{"DescribeLoadBalancers":20,"RegisterInstancesWithLoadBalancer":20}` + "\n"; body != want {
		t.Errorf("calls %s, want %s", body, want)
	}
	a.send(t, "DELETE", "/_emulator/calls", "", nil)
	if got := a.Calls(); !maps.Equal(got, map[string]int{}) {
		t.Errorf("calls %v after a reset", got)
	}
}

func TestStateEndpointReturnsJSON(t *testing.T) {
	_, body := demo(t).send(t, "GET", "/_emulator/state", "", nil)
	var s State
	if err := json.Unmarshal([]byte(body), &s); err != nil {
		t.Fatal(err)
	}
	var states []string
	for _, m := range s.LoadBalancers[1].Members {
		states = append(states, m.State)
	}
	if want := []string{"InService", "OutOfService", "OutOfService", "OutOfService"}; s.LoadBalancers[1].Name != "web-elb" || !slices.Equal(states, want) {
		t.Errorf("state of %s: %v, want web-elb: %v", s.LoadBalancers[1].Name, states, want)
	}
	if len(s.Instances) != 11 {
		t.Errorf("%d instances, want the 11 that EC2 knows", len(s.Instances))
	}
}

func TestUnknownControlsReturnJSONErrors(t *testing.T) {
	a := demo(t)
	for _, c := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/_emulator/nope", 404, "/_emulator/calls"},
		{"PUT", "/_emulator/faults", 405, "DELETE, GET, POST"},
	} {
		status, body := a.send(t, c.method, c.path, "", nil)
		if status != c.status || !json.Valid([]byte(body)) || !strings.Contains(body, c.want) {
			t.Errorf("%s %s: status %d, answer %s", c.method, c.path, status, body)
		}
	}
}

func TestConcurrentRegistrationsAreAllKept(t *testing.T) {
	a := start(t, Options{Fleet: mustFleet(t, "3x0")})
	var clients sync.WaitGroup
	for n := range 60 {
		clients.Go(func() {
			if _, err := a.register(t.Context(), fleet.BalancerName(n%3+1), fleet.SpareID(n+1)); err != nil {
				t.Error(err)
			}
			if _, err := a.elb.DescribeLoadBalancers(t.Context(), &elb.DescribeLoadBalancersInput{}); err != nil {
				t.Error(err)
			}
		})
	}
	clients.Wait()
	for b := range 3 {
		if got := len(a.Members(fleet.BalancerName(b + 1))); got != 20 {
			t.Errorf("%s has %d members, want 20", fleet.BalancerName(b+1), got)
		}
	}
}
