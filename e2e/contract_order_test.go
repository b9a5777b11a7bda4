package e2e

import (
	"strings"
	"testing"
)

// Each request fails one check and every later one.
func TestChecksFollowTheContractsOrder(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	tooLarge := "{" + strings.Repeat(" ", bodyLimit)
	tests := []struct {
		name               string
		method, path, body string
		credentials        bool
		status             int
	}{
		{"path before credentials", "PUT", "/elb/-/x", tooLarge, false, 404},
		{"credentials before name", "PUT", "/elb/-", tooLarge, false, 401},
		{"name before method", "PUT", "/elb/-", tooLarge, true, 404},
		{"name before body", "POST", "/elb/-", "{", true, 404},
		{"method before size", "PUT", "/elb/no-such-elb", tooLarge, true, 405},
		{"method before load balancer", "PUT", "/elb/no-such-elb", machineID(spare), true, 405},
		{"size before body", "POST", "/elb/no-such-elb", tooLarge, true, 413},
		{"body before load balancer", "POST", "/elb/no-such-elb", "{", true, 400},
		{"id before load balancer", "DELETE", "/elb/no-such-elb", machineID("i-7"), true, 400},
		{"load balancer before instance", "POST", "/elb/no-such-elb", machineID(unheardOf), true, 404},
		{"load balancer before conflict", "DELETE", "/elb/no-such-elb", machineID(unheardOf), true, 404},
		{"instance before conflict", "POST", "/elb/web-elb", machineID("i-0a11ce0000000ab03"), true, 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := s.on(t)
			if !test.credentials {
				c = c.anonymous()
			}
			if answer := c.send(test.method, test.path, test.body); answer.status != test.status {
				t.Errorf("it is %d, want %d: %s", answer.status, test.status, answer.body)
			}
		})
	}
	if calls := a.calls(); calls["RegisterInstancesWithLoadBalancer"]+calls["DeregisterInstancesFromLoadBalancer"] != 0 {
		t.Errorf("AWS was called for a change: %v", calls)
	}
}
