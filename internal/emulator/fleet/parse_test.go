package fleet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseRejectsInvalidSpecifications(t *testing.T) {
	for _, spec := range []string{"", "demos", "10", "10x", "x10", "10x-1", "10x1001", "20000x1", "5000x1000", "tg:20000x1", "tg:x", "tg:1x1001", "1x1+", "1x1+lb:1x1"} {
		if _, err := Parse(spec); err == nil {
			t.Errorf("%q was taken", spec)
		}
	}
	if _, err := Parse("no/such.yaml"); err == nil || !strings.Contains(err.Error(), "no/such.yaml") {
		t.Errorf("error %v, want one that names the file", err)
	}
}

func TestFleetFileErrorsContainFileLineAndReason(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string // ":line: " and a part of the reason
	}{
		"not YAML":              {"loadBalancers: [\n", []string{"", ""}},
		"an unknown field":      {"instances:\n  - id: i-00000001\n    colour: red\n", []string{":3: ", "colour"}},
		"a bad duration":        {"startDelay: soon\n", []string{":1: ", "soon"}},
		"a negative duration":   {"instances: []\nstartDelay: -1s\n", []string{":2: ", "negative"}},
		"a bad time":            {"instances:\n  - id: i-00000001\n    launched: yesterday\n", []string{":3: ", "yesterday"}},
		"a malformed id":        {"instances:\n  - id: i-00000001\n  - type: t2.micro\n    id: web1\n", []string{":4: ", "web1"}},
		"a missing id":          {"instances:\n  - type: t2.micro\n", []string{":2: ", `"" is no instance id`}},
		"an instance twice":     {"instances:\n  - id: i-00000001\n  - id: i-00000001\n", []string{":3: ", "twice"}},
		"a load balancer twice": {"loadBalancers:\n  - name: a\n  - name: b\n  - name: a\n", []string{":4: ", "twice"}},
		"a bad name":            {"loadBalancers:\n  - name: -a-\n", []string{":2: ", "-a-"}},
		"a member of nowhere":   {"loadBalancers:\n  - name: a\n    members:\n      - i-00000001\n", []string{":4: ", "i-00000001"}},
		"a member twice":        {"loadBalancers:\n  - name: a\n    members: [i-00000001,\n      i-00000001]\ninstances:\n  - id: i-00000001\n", []string{":4: ", "twice"}},
		"a bad state":           {"instances:\n  - id: i-00000001\n    state: asleep\n", []string{":3: ", "asleep"}},
		"a bad zone":            {"instances:\n  - id: i-00000001\n    zone: us-east-1a\n", []string{":3: ", "us-east-1a"}},
		"a bad scheme":          {"loadBalancers:\n  - name: a\n    scheme: inwards\n", []string{":3: ", "inwards"}},
		"a bad listener":        {"loadBalancers:\n  - name: a\n    listeners:\n      - {protocol: HTTP, port: 80}\n", []string{":4: ", "listeners.instancePort"}},
		"a bad health check":    {"loadBalancers:\n  - name: a\n    healthCheck:\n      target: HTTP:80\n", []string{":4: ", "HTTP:80"}},
		"a bad timeout":         {"loadBalancers:\n  - name: a\n    draining:\n      timeout: 2h\n", []string{":4: ", "7200"}},
		"a group twice":         {"targetGroups:\n  - {name: a, port: 80}\n  - {name: a, port: 80}\n", []string{":3: ", "twice"}},
		"a group without port":  {"targetGroups:\n  - name: a\n", []string{":2: ", "A port must be specified"}},
		"a bad attribute":       {"targetGroups:\n  - {name: a, port: 80, attributes: {slow_start.duration_seconds: 3}}\n", []string{":2: ", "slow_start"}},
		"a bad matcher time":    {"targetGroups:\n  - name: a\n    port: 80\n    healthCheck:\n      interval: 4s\n", []string{":2: ", "healthCheckIntervalSeconds"}},
		"a target of nowhere":   {"targetGroups:\n  - name: a\n    port: 80\n    targets:\n      - i-00000001:81\n", []string{":5: ", "i-00000001:81"}},
		"a target twice":        {"targetGroups:\n  - name: a\n    port: 80\n    targets: [i-00000001,\n      i-00000001:80]\ninstances:\n  - id: i-00000001\n", []string{":5: ", "twice"}},
		"a bad target port":     {"targetGroups:\n  - name: a\n    port: 80\n    targets: [i-00000001:0]\ninstances:\n  - id: i-00000001\n", []string{":4: ", "port"}},
		"an unknown group":      {"applicationLoadBalancers:\n  - name: a\n    listeners:\n      - protocol: HTTP\n        port: 80\n        forward: {b: 1}\n", []string{":6: ", `"b" is none`}},
		"one zone":              {"applicationLoadBalancers:\n  - name: a\n    zones: [a]\n", []string{":2: ", "two subnets"}},
		"a rule of a network":   {"targetGroups:\n  - {name: b, protocol: TCP, port: 80}\nnetworkLoadBalancers:\n  - name: a\n    listeners:\n      - protocol: TCP\n        port: 80\n        forward: {b: 1}\n        rules:\n          - {paths: [/], forward: {b: 1}}\n", []string{":10: ", "no rules"}},
		"an idle description":   {"instances:\n  - id: i-00000001\n    description: ill\n", []string{":3: ", "healthy"}},
		"a list for a mapping":  {"- a\n", []string{":1: ", ""}},
		"a key twice":           {"instances: []\ninstances: []\n", []string{":2: ", "instances"}},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "fleet.yaml")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Parse(file)
			if err == nil {
				t.Fatal("the file was taken")
			}
			if want := file + c.want[0]; !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), c.want[1]) {
				t.Errorf("error %q, want one that begins with %q and says %q", err, want, c.want[1])
			}
		})
	}
}
