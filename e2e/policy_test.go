package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestPolicyFileGuardsPoolsAndIsReloaded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	writeUsers(t, path, "defaults: {keepLast: true}\n")
	a, s := startBoth(t, with("POLICY="+path))
	if answer := s.detach("default-elb", member); answer.status != http.StatusConflict || !strings.Contains(answer.body, "1 of 1 in service, keepLast (policy.yaml:1)") {
		t.Errorf("the last member: %d %s", answer.status, answer.body)
	}

	writeUsers(t, path, "guards:\n- {pools: ['*'], maxOut: 101%}\n")
	s.waitFor(s.stderr, `"level":"ERROR","msg":"policy file rejected[^\n]*policy.yaml:2:12: [^\n]*policy.yaml:2:26: `)
	if answer := s.detach("default-elb", member); answer.status != http.StatusConflict {
		t.Errorf("while the file is bad: %d %s", answer.status, answer.body)
	}
	if refused := s.metric(t, "lsapi_policy_file_refused"); refused != 1 {
		t.Errorf("the gauge is %v", refused)
	}

	writeUsers(t, path, "guards:\n- {pools: ['elb/default-elb'], freeze: {from: 2020-01-01}}\n")
	s.waitFor(s.stderr, `"msg":"policy file read"[^\n]*"guards":1`)
	if answer := s.attach("default-elb", spare); answer.status != http.StatusConflict || !strings.Contains(answer.body, "freeze from 2020-01-01T00:00:00Z (policy.yaml:2)") {
		t.Errorf("in a freeze: %d %s", answer.status, answer.body)
	}
	if refused := s.metric(t, "lsapi_policy_file_refused"); refused != 0 {
		t.Errorf("the gauge is %v", refused)
	}

	writeUsers(t, path, "defaults: {keepLast: false}\n")
	s.signal(syscall.SIGHUP)
	s.waitFor(s.stderr, `reloading the users file and the policy file`)
	s.waitFor(s.stderr, `"msg":"policy file read"[^\n]*"guards":0`)
	if answer := s.detach("default-elb", member); answer.status != http.StatusCreated {
		t.Errorf("without keepLast: %d %s", answer.status, answer.body)
	}
	if members := a.members("default-elb"); len(members) != 0 {
		t.Errorf("the members are %v", members)
	}
}

func TestInvalidPolicyStopsTheStart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	writeUsers(t, path, "guard: []\nmayOverride: bob\n")
	status, stdout, stderr := run(t, []string{"serve", "--policy", path}, with(serviceEnvironment("http://127.0.0.1:1")...))
	if status != 2 || stdout != "" || strings.Count(stderr, "\n") != 3 ||
		!strings.Contains(stderr, "  --policy (POLICY): policy.yaml:1:1: a policy has no field \"guard\"; ") ||
		!strings.Contains(stderr, "  --policy (POLICY): policy.yaml:2:14: mayOverride is not a list but a scalar; it is set by the flag\n") {
		t.Errorf("status %d, stdout %q, stderr %s", status, stdout, stderr)
	}
	status, _, stderr = run(t, []string{"serve", "--policy", path + ".none"}, with(serviceEnvironment("http://127.0.0.1:1")...))
	if status != 2 || !strings.Contains(stderr, "--policy (POLICY): "+path+".none: cannot read it: no such file") {
		t.Errorf("status %d, stderr %s", status, stderr)
	}
}

// Without a policy, and without tags of lsapi, nothing is guarded. A pool's tags are read once
// for many changes.
func TestTagsAreReadOnceForManyChanges(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	a.resetCalls()
	for range 5 {
		if answer := s.attach("default-elb", spare); answer.status != http.StatusCreated {
			t.Fatalf("%d %s", answer.status, answer.body)
		}
		if answer := s.detach("default-elb", spare); answer.status != http.StatusCreated {
			t.Fatalf("%d %s", answer.status, answer.body)
		}
	}
	if calls := a.calls(); calls["DescribeTags"] != 1 || calls["DescribeInstanceHealth"] != 0 {
		t.Errorf("the calls are %v", calls)
	}
	if answer := s.detach("default-elb", member); answer.status != http.StatusCreated {
		t.Errorf("the last member: %d %s", answer.status, answer.body)
	}
}

func TestDeniedTagsDisableGuardsInTagsOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	writeUsers(t, path, "guards: [{pools: [{tag: {env: prod}}], maxOut: 1}]\n")
	a := startAWS(t)
	a.fault(t, `{"action":"DescribeTags","kind":"denied","probability":1}`)
	selecting, plain := startService(t, a.base, with("POLICY="+path)), startService(t, a.base)
	if answer := selecting.detach("default-elb", member); answer.status != http.StatusServiceUnavailable || !strings.Contains(answer.body, "AWS denies elasticloadbalancing:DescribeTags") {
		t.Errorf("with a policy that selects by tags: %d %s", answer.status, answer.body)
	}
	if answer := plain.detach("default-elb", member); answer.status != http.StatusCreated {
		t.Errorf("without one: %d %s", answer.status, answer.body)
	}
	if n := strings.Count(plain.stderr.String(), "guards in tags have no effect"); n != 1 {
		t.Errorf("the denial is logged %d times", n)
	}
	if slices.Contains(a.members("default-elb"), member) {
		t.Error("it is a member still")
	}
}

func TestTagsOfPoolsAreGuards(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	writeUsers(t, path, "defaults: {keepLast: false}\nmayOverride: [bob]\n")
	a := startAWS(t)
	a.do("AddTags", "LoadBalancerNames.member.1=default-elb&Tags.member.1.Key=lsapi:max-out&Tags.member.1.Value=50+percent")
	s := startService(t, a.base, with("POLICY="+path))
	if answer := s.detach("default-elb", member); answer.status != http.StatusConflict || !strings.Contains(answer.body, "0 of 1 out, maxOut 50% (0) (tag lsapi:max-out)") {
		t.Errorf("%d %s", answer.status, answer.body)
	}
	answer := s.send(http.MethodDelete, "/v1/pools/elb/default-elb/members/"+member, "", "X-Override-Guard: because")
	if answer.status != http.StatusForbidden || !strings.Contains(answer.body, "alice may not override the guards of this pool") {
		t.Errorf("an override without the right: %d %s", answer.status, answer.body)
	}
	guards := decoded[map[string]any](t, s.get("/v1/pools/elb/default-elb/guard").body)
	if guards["headroom"] != 0.0 || guards["inService"] != 1.0 || !strings.Contains(fmt.Sprint(guards["rules"]), "tag lsapi:max-out") {
		t.Errorf("the guards are %v", guards)
	}

	a.do("AddTags", "LoadBalancerNames.member.1=default-elb&Tags.member.1.Key=lsapi:max-out&Tags.member.1.Value=half")
	s = startService(t, a.base, with("POLICY="+path))
	if answer := s.detach("default-elb", member); answer.status != http.StatusServiceUnavailable || !strings.Contains(answer.body, `malformed maxOut \"half\" (tag lsapi:max-out)`) {
		t.Errorf("%d %s", answer.status, answer.body)
	}
	if answer := s.attach("default-elb", spare); answer.status != http.StatusCreated {
		t.Errorf("an attach: %d %s", answer.status, answer.body)
	}
	s.waitFor(s.stderr, `"msg":"malformed guard in a tag[^\n]*"tag":"tag lsapi:max-out","value":"half"`)
	if n := s.metric(t, "lsapi_guard_malformed_pools"); n != 1 {
		t.Errorf("%v pools are malformed", n)
	}
}
