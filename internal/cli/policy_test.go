package cli_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	apiv1 "lsapi/api/v1"
	"lsapi/internal/cli"
)

func policyFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPolicyCheckListsProblems(t *testing.T) {
	path := policyFile(t, "guards:\n- {pools: [web], maxOut: 101%}\n")
	status, stdout, stderr := inProcess(nil, "policy", "check", path)
	want := path + `:2:12: the pattern "web" is not of the form KIND/NAME, such as "elb/web-*" or "*/*"` + "\n" +
		path + `:2:26: maxOut: "101%" is not a percentage from 0% to 100%` + "\n" +
		"lsapi: " + path + " is not valid\n"
	if status != cli.ExitFailure || stdout != "" || stderr != want {
		t.Errorf("status %d, stdout %q, stderr\n%s\nwant\n%s", status, stdout, stderr, want)
	}
}

func TestPolicyCheckShowsTheRulesOfAPool(t *testing.T) {
	path := policyFile(t, "guards:\n- {pools: ['elb/web-*'], minInService: 50%}\n- {pools: [{tag: {env: prod}}], maxOut: 1}\n")
	status, stdout, stderr := inProcess(nil, "policy", "check", path)
	if status != 0 || stdout != "valid: 2 guards, 1 of them for tags\n" || stderr != "" {
		t.Errorf("status %d, %s%s", status, stdout, stderr)
	}
	for pool, want := range map[string]string{
		"elb/web-1": "RULE              SOURCE\nminInService 50%  policy.yaml:2\nkeepLast          policy.yaml, by default\n",
		"tg/web-1":  "RULE      SOURCE\nkeepLast  policy.yaml, by default\n",
	} {
		status, stdout, _ = inProcess(nil, "policy", "check", path, "--pool", pool)
		want = "valid: 2 guards, 1 of them for tags\n" + want + "By its tags it may also match policy.yaml:3. Rules in the tags of the pool are not known here.\n"
		if status != 0 || stdout != want {
			t.Errorf("%s: status %d\n%s\nwant\n%s", pool, status, stdout, want)
		}
	}
	none := policyFile(t, "defaults: {keepLast: false}\n")
	if _, stdout, _ := inProcess(nil, "policy", "check", none, "--pool", "tg/a"); !strings.Contains(stdout, "tg/a has no rules by its name.\nRules in the tags") {
		t.Errorf("got %s", stdout)
	}
}

func TestPolicyCheckRejectsWrongUsage(t *testing.T) {
	path := policyFile(t, "{}")
	for _, arguments := range [][]string{{path, "--pool", "web-1"}, {path + ".none"}, {}, {path, path}, {filepath.Dir(path)}} {
		if status, stdout, stderr := inProcess(nil, append([]string{"policy", "check"}, arguments...)...); status != cli.ExitUsage || stdout != "" || stderr == "" {
			t.Errorf("%v: status %d, %s%s", arguments, status, stdout, stderr)
		}
	}
}

// guard serves the guards of web-elb; those of other pools lack the health.
func (s *fakeService) guard(w http.ResponseWriter, r *http.Request) {
	pool := r.PathValue("kind") + "/" + r.PathValue("name")
	two, room := 2, 0
	g := apiv1.PoolGuard{
		Pool: pool, Rules: []apiv1.GuardRule{{Kind: "minInService", Rule: "minInService 50%", Number: &two, Source: "policy.yaml:4"}, {Kind: "keepLast", Rule: "keepLast", Source: "tag lsapi:keep-last"}},
		Headroom: &room, Unknown: "health", Members: []apiv1.GuardedMember{},
	}
	if pool == "elb/web-elb" {
		g.InService, g.Out, g.Unknown, g.HealthAsOf = 2, 1, "", apiv1.Time{Time: s.at}
		g.Members = []apiv1.GuardedMember{{Member: first, Zone: "us-east-1a", Standing: "inService"}, {Member: second, Standing: "detached"}}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(g) // the test fails without it
}

func TestPoolGuardShowsRulesMembersAndHeadroom(t *testing.T) {
	s := newFakeService(t, soon)
	status, stdout, stderr := inProcess(s.environ(), "pool", "guard", "elb/web-elb", "-o", "table")
	for _, want := range []string{"0 of 2 in service can be detached now", "minInService 50%  2", "policy.yaml:4", first + "  inService  us-east-1a", second + "  detached"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if status != 0 || stderr != "" {
		t.Errorf("status %d, %s", status, stderr)
	}
	if _, stdout, _ = inProcess(s.environ(), "tg", "guard", "shop", "-o", "table"); !strings.Contains(stdout, "the health of the members; detaches are refused") {
		t.Errorf("got\n%s", stdout)
	}
	if _, stdout, _ = inProcess(s.environ(), "elb", "guard", "web-elb", "-q"); stdout != "minInService 50%\nkeepLast\n" {
		t.Errorf("got %q", stdout)
	}
	if _, stdout, _ = inProcess(s.environ(), "elb", "guard", "web-elb"); !strings.Contains(stdout, `"headroom": 0`) {
		t.Errorf("got %q", stdout)
	}
}
