package emulator

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"
)

// healthNow is what DescribeInstanceHealth would say of a member, in one line.
func (a *testAccount) healthNow(loadBalancer, instance string) string {
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

func TestHealthControlSetsHealth(t *testing.T) {
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

func TestHealthControlFailsOnePort(t *testing.T) {
	a := demo(t)
	web, admin := a.demoGroup(t, "web-elb"), a.demoGroup(t, "web-admin")
	control := func(body string) {
		t.Helper()
		if status, answer := a.send(t, "POST", "/_emulator/health", body, nil); status != http.StatusOK {
			t.Fatalf("%s: %d %s", body, status, answer)
		}
	}
	control(`{"instanceId":"` + demoServing + `","port":9090,"healthy":false,"description":"Request timed out"}`)
	a.wantTargets(t, admin, []string{demoServing, demoScaled}, demoServing+"/9090 unhealthy/Target.FailedHealthChecks/Request timed out", demoScaled+"/9090 "+stateHealthy)
	a.wantTargets(t, web, []string{demoServing}, demoServing+"/8080 "+stateHealthy)
	if got := a.healthNow("web-elb", demoServing); got != "InService N/A" {
		t.Errorf("the Classic load balancer, which checks 8080, reports %q", got)
	}
	control(`{"instanceId":"` + demoServing + `","port":8080,"healthy":false}`)
	a.wantTargets(t, web, []string{demoServing}, demoServing+"/8080 "+stateUnhealthy)
	if got := a.healthNow("web-elb", demoServing); !strings.HasPrefix(got, "OutOfService Instance has failed") {
		t.Errorf("the Classic load balancer reports %q", got)
	}
	control(`{"instanceId":"` + demoServing + `","port":9090,"healthy":true}`)
	a.wantTargets(t, admin, []string{demoServing}, demoServing+"/9090 "+stateHealthy)
	control(`{"instanceId":"` + demoServing + `","healthy":true}`)
	a.wantTargets(t, web, []string{demoServing}, demoServing+"/8080 "+stateHealthy)
}

func TestDrainControlSetsDrainTime(t *testing.T) {
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

func TestControlsWithoutEffectFail(t *testing.T) {
	a := demo(t)
	if _, err := a.elb.CreateLoadBalancer(t.Context(), &elb.CreateLoadBalancerInput{
		LoadBalancerName: aws.String("plain"), AvailabilityZones: []string{"us-east-1a"},
		Listeners: []elbtypes.Listener{{Protocol: aws.String("HTTP"), LoadBalancerPort: 80, InstancePort: aws.Int32(80)}},
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, body string
		status     int
		word       string
	}{
		{"health", `{"instanceId":"i-0000000000000dead","healthy":true}`, http.StatusNotFound, "i-0000000000000dead"},
		{"health", `{"instanceID":"x","helthy":true}`, http.StatusBadRequest, "helthy"},
		{"health", `{"instanceId":"` + demoMember + `"}`, http.StatusBadRequest, "healthy: give"},
		{"health", `{"instanceId":"` + demoMember + `","healthy":true,"description":"fine"}`, http.StatusBadRequest, "description"},
		{"health", `{"instanceId":"` + demoMember + `","port":-1,"healthy":true}`, http.StatusBadRequest, "port: -1"},
		{"health", `{"instanceId":"` + demoFailing + `","port":8080,"healthy":true}`, http.StatusConflict, "on all ports"},
		{"drains", `{"loadBalancer":"default-elb","lasts":"1h"}`, http.StatusConflict, "ends after 5m0s"},
		{"drains", `{"loadBalancer":"plain","lasts":"1s"}`, http.StatusConflict, "connection draining of plain is off"},
		{"faults", `{"action":"*","kind":"timeout","count":1,"delay":"0s"}`, http.StatusBadRequest, "delay"},
		{"faults", `{"action":"*","kind":"500","probability":1}`, http.StatusCreated, ""},
		{"faults", `{"action":"DescribeTags","kind":"reset","count":1}`, http.StatusBadRequest, "every call of DescribeTags fails already"},
		{"health", `{} {}`, http.StatusBadRequest, "continues after"},
		{"drains", `{"loadBalancer":"nope","lasts":"1s"}`, http.StatusNotFound, "nope"},
		{"drains", `{"loadBalancer":"default-elb","lasts":"soon"}`, http.StatusBadRequest, "soon"},
		{"drains", `{"loadBalancer":"default-elb","lasts":"-1s"}`, http.StatusBadRequest, "-1s"},
	} {
		if status, body := a.send(t, "POST", "/_emulator/"+c.path, c.body, nil); status != c.status || !strings.Contains(body, c.word) {
			t.Errorf("%s %s: %d %s", c.path, c.body, status, body)
		}
	}
}

func TestControlsWithoutEffectOnDataPlaneFail(t *testing.T) {
	t.Parallel()
	a := carrying(t)
	if _, err := a.ec2.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{demoSpare}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, body string
		status     int
		word       string
	}{
		{"drains", `{"loadBalancer":"web-elb","lasts":"1s"}`, http.StatusConflict, "as long as the requests in flight"},
		{"kill", `{"instanceId":"` + demoServing + `"}`, http.StatusOK, demoServing},
		{"health", `{"instanceId":"` + demoServing + `","healthy":true}`, http.StatusConflict, "/_emulator/revive"},
		{"health", `{"instanceId":"` + demoServing + `","healthy":false}`, http.StatusOK, ""},
		{"revive", `{"instanceId":"` + demoServing + `"}`, http.StatusOK, demoServing},
		{"health", `{"instanceId":"` + demoServing + `","healthy":true}`, http.StatusOK, ""},
		{"kill", `{"instanceId":"` + demoSpare + `"}`, http.StatusNotFound, demoSpare},
		{"health", `{"instanceId":"` + demoSpare + `","healthy":false}`, http.StatusNotFound, demoSpare},
	} {
		if status, body := a.send(t, "POST", "/_emulator/"+c.path, c.body, nil); status != c.status || !strings.Contains(body, c.word) {
			t.Errorf("%s %s: %d %s", c.path, c.body, status, body)
		}
	}
}
