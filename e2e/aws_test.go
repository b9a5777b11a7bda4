package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Instances of the demo fleet.
const (
	member     = "i-0592fe5ccee879f04" // the one member of default-elb
	spare      = "i-0bee000000000cd01" // running, in no load balancer
	otherSpare = "i-0bee000000000cd02"
	spareOfOld = "i-5203422c" // the same, with an id of eight digits
	stopped    = "i-0bee000000000cd03"
	terminated = "i-0bee000000000cd04"
	unheardOf  = "i-0123456789abcdef0" // not in the fleet
)

const memberInfo = `{"instanceId":"` + member + `","instanceType":"t2.micro","launchDate":"2019-10-01T18:54:00.000Z"}`

// aws is a running emulator.
type aws struct {
	*process
	client
}

// startAWS starts lsapi emulator with the demo fleet, unless the arguments name
// another.
func startAWS(t *testing.T, arguments ...string) aws {
	t.Helper()
	p, url := startEmulator(t, arguments...)
	return aws{p, client{t: t, base: url}}
}

// startBoth starts an emulator with the demo fleet and a service that uses it.
func startBoth(t *testing.T, settings ...setting) (aws, *service) {
	t.Helper()
	a := startAWS(t)
	return a, startService(t, a.base, settings...)
}

// fault makes calls fail until the test ends.
func (a aws) fault(t *testing.T, document string) {
	t.Helper()
	if answer := a.on(t).send(http.MethodPost, "/_emulator/faults", document); answer.status != http.StatusCreated {
		t.Fatalf("fault: %d %s", answer.status, answer.body)
	}
	t.Cleanup(func() {
		// The test's client cannot do this: its context has ended. Pending retries should
		// succeed, so that the service stops soon.
		request, err := http.NewRequest(http.MethodDelete, a.base+"/_emulator/faults", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	})
}

// clearFaults ends all faults.
func (a aws) clearFaults(t *testing.T) {
	t.Helper()
	if answer := a.on(t).send(http.MethodDelete, "/_emulator/faults", ""); answer.status >= 300 {
		t.Fatalf("clear the faults: %d %s", answer.status, answer.body)
	}
}

// calls returns the number of calls by action.
func (a aws) calls() map[string]int {
	a.client.t.Helper()
	return decoded[map[string]int](a.client.t, a.get("/_emulator/calls").body)
}

// resetCalls resets the numbers of calls.
func (a aws) resetCalls() { a.send(http.MethodDelete, "/_emulator/calls", "") }

// members returns the members of a load balancer in AWS, sorted.
func (a aws) members(loadBalancer string) []string {
	a.client.t.Helper()
	type state struct {
		LoadBalancers []struct {
			Name    string
			Members []struct{ InstanceID string }
		}
	}
	for _, balancer := range decoded[state](a.client.t, a.get("/_emulator/state").body).LoadBalancers {
		if balancer.Name != loadBalancer {
			continue
		}
		var ids []string
		for _, m := range balancer.Members {
			ids = append(ids, m.InstanceID)
		}
		slices.Sort(ids)
		return ids
	}
	a.client.t.Fatalf("there is no load balancer %s", loadBalancer)
	return nil
}

// register registers an instance without lsapi, as other tools do.
func (a aws) register(loadBalancer, instance string) {
	a.client.t.Helper()
	a.change("RegisterInstancesWithLoadBalancer", loadBalancer, instance)
}

// deregister deregisters an instance without lsapi.
func (a aws) deregister(loadBalancer, instance string) {
	a.client.t.Helper()
	a.change("DeregisterInstancesFromLoadBalancer", loadBalancer, instance)
}

func (a aws) change(action, loadBalancer, instance string) {
	a.client.t.Helper()
	form := "Version=2012-06-01&Action=" + action + "&LoadBalancerName=" + loadBalancer +
		"&Instances.member.1.InstanceId=" + instance
	answer := a.send(http.MethodPost, "/", form,
		"Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/elasticloadbalancing/aws4_request, SignedHeaders=host, Signature=0",
		"Content-Type: application/x-www-form-urlencoded")
	if answer.status != http.StatusOK {
		a.client.t.Fatalf("%s: %d %s", action, answer.status, answer.body)
	}
}

// on returns the client for a subtest.
func (c client) on(t *testing.T) client {
	c.t = t
	return c
}

func (c client) attach(loadBalancer, instance string) response {
	c.t.Helper()
	return c.send(http.MethodPost, "/elb/"+loadBalancer, machineID(instance))
}

func (c client) detach(loadBalancer, instance string) response {
	c.t.Helper()
	return c.send(http.MethodDelete, "/elb/"+loadBalancer, machineID(instance))
}

// machineID returns a body with an instance's id.
func machineID(instance string) string { return `{"instanceId":"` + instance + `"}` }

// ids returns the instances in an enveloped list, in order.
func (r response) ids(t *testing.T) []string {
	t.Helper()
	type list struct {
		Message []struct{ InstanceID string }
	}
	var ids []string
	for _, machine := range decoded[list](t, r.body).Message {
		ids = append(ids, machine.InstanceID)
	}
	return ids
}

// decoded decodes JSON.
func decoded[T any](t *testing.T, text string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

// errorText returns the text of an error, and checks its shape with or without the
// envelope.
func (r response) errorText(t *testing.T, envelope string) string {
	t.Helper()
	field := "message"
	if envelope == "none" {
		field = "error"
	}
	if contentType := r.header.Get("Content-Type"); contentType != "application/json" {
		t.Errorf("%d is %s: %s", r.status, contentType, r.body)
	}
	fields := decoded[map[string]string](t, r.body)
	if len(fields) != 1 || strings.TrimSpace(fields[field]) == "" {
		t.Errorf("an error is not {%q: text} but %s", field, r.body)
	}
	return fields[field]
}
