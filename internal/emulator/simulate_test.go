package emulator

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// healthNow is what DescribeInstanceHealth would say of a member, in one line.
func (a *account) healthNow(loadBalancer, instance string) string {
	for _, b := range a.State().LoadBalancers {
		if b.Name != loadBalancer {
			continue
		}
		if slices.Contains(b.Draining, instance) {
			return "draining"
		}
		for _, m := range b.Members {
			if m.InstanceID == instance {
				return m.State + " " + m.Description
			}
		}
	}
	return "absent"
}

func TestAnInstanceFailsItsHealthChecksWhenToldTo(t *testing.T) {
	const member = "i-0592fe5ccee879f04"
	a := demo(t)
	for _, c := range []struct{ body, want string }{
		{`{"instanceId":"` + member + `","healthy":false}`, "OutOfService Instance has failed at least the UnhealthyThreshold number of health checks consecutively."},
		{`{"instanceId":"` + member + `","healthy":false,"description":"A transient error occurred. Please try again later."}`, "OutOfService A transient error occurred. Please try again later."},
		{`{"instanceId":"` + member + `","healthy":true}`, "InService N/A"},
	} {
		if status, body := a.send(t, "POST", "/_emulator/health", c.body, nil); status != http.StatusOK {
			t.Errorf("%s: %d %s", c.body, status, body)
		}
		if got := a.healthNow("default-elb", member); got != c.want {
			t.Errorf("%s: it is %q, want %q", c.body, got, c.want)
		}
	}
}

func TestADrainTakesAsLongAsToldTo(t *testing.T) {
	const member = "i-0592fe5ccee879f04"
	a := demo(t)
	if status, body := a.send(t, "POST", "/_emulator/drains", `{"loadBalancer":"default-elb","lasts":"50s"}`, nil); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if _, err := a.deregister(t.Context(), "default-elb", member); err != nil {
		t.Fatal(err)
	}
	if got := a.healthNow("default-elb", member); got != "draining" {
		t.Errorf("it is %q", got)
	}
}

func TestWhatTheSimulationIsToldMakesSense(t *testing.T) {
	a := demo(t)
	for _, c := range []struct {
		path, body string
		status     int
		word       string
	}{
		{"health", `{"instanceId":"i-0000000000000dead","healthy":true}`, http.StatusNotFound, "i-0000000000000dead"},
		{"health", `{"instanceID":"x","helthy":true}`, http.StatusBadRequest, "helthy"},
		{"health", `{} {}`, http.StatusBadRequest, "goes on"},
		{"drains", `{"loadBalancer":"nope","lasts":"1s"}`, http.StatusNotFound, "nope"},
		{"drains", `{"loadBalancer":"default-elb","lasts":"soon"}`, http.StatusBadRequest, "soon"},
		{"drains", `{"loadBalancer":"default-elb","lasts":"-1s"}`, http.StatusBadRequest, "-1s"},
	} {
		if status, body := a.send(t, "POST", "/_emulator/"+c.path, c.body, nil); status != c.status || !strings.Contains(body, c.word) {
			t.Errorf("%s %s: %d %s", c.path, c.body, status, body)
		}
	}
}
