package e2e

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// attachScript runs the script with which an instance of terraform/aws joins and leaves its load
// balancer, on a machine with a metadata service of its own.
func (s *service) attachScript(t *testing.T, instance, action string) (status int, said string) {
	t.Helper()
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token" && r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") != "":
			_, _ = w.Write([]byte("session"))
		case r.URL.Path == "/latest/meta-data/instance-id" && r.Header.Get("X-Aws-Ec2-Metadata-Token") == "session":
			_, _ = w.Write([]byte(instance))
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer metadata.Close()
	root := t.TempDir()
	port := s.base[strings.LastIndex(s.base, ":")+1:]
	for name, text := range map[string]string{
		"etc/lsapi-boot/settings": "AWS_REGION=us-east-1\nelb_name=default-elb\nport=" + port + "\n",
		"root/.env":               "AWS_REGION=us-east-1\nAPI_TOKEN=" + apiToken() + "\n",
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), "bash", "../terraform/aws/boot/member.sh", action)
	command.Env = append(os.Environ(), "LSAPI_ROOT="+root, "LSAPI_ATTEMPTS=1", "AWS_EC2_METADATA_SERVICE_ENDPOINT="+metadata.URL)
	out, err := command.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), string(out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, string(out)
}

func TestInstanceAttachesItselfAndLeavesDrained(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	for range 2 { // a reboot finds the instance attached
		if status, said := s.attachScript(t, spare, "attach"); status != 0 || said != "" {
			t.Fatalf("status %d: %s", status, said)
		}
		if members := a.members("default-elb"); !slices.Contains(members, spare) {
			t.Fatalf("the members are %v", members)
		}
	}
	for range 2 {
		if status, said := s.attachScript(t, spare, "detach"); status != 0 || said != "" {
			t.Fatalf("status %d: %s", status, said)
		}
		if members := a.members("default-elb"); slices.Contains(members, spare) {
			t.Fatalf("the members are %v", members)
		}
	}
	if made := s.changes("pool=elb/default-elb&outcome=applied"); len(made) != 2 || made[0].Reason != "the instance stops" || made[1].Reason != "the instance starts" {
		t.Errorf("on record are %+v", made)
	}
}

func TestInstanceThatStopsOverridesGuards(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	writeUsers(t, path, "defaults: {keepLast: true}\nmayOverride: []\n")
	a, s := startBoth(t, with("POLICY="+path))
	if status, said := s.attachScript(t, member, "detach"); status != 1 || !strings.Contains(said, member+" is not detached from default-elb: the response was 403 denied") {
		t.Errorf("without the right: status %d: %s", status, said)
	}
	writeUsers(t, path, "defaults: {keepLast: true}\n")
	s.waitFor(s.stderr, `"msg":"policy file read"`)
	if status, said := s.attachScript(t, member, "detach"); status != 0 || said != "" {
		t.Errorf("status %d: %s", status, said)
	}
	if members := a.members("default-elb"); len(members) != 0 {
		t.Errorf("the members are %v", members)
	}
	if stdout, _ := s.lsapi(t, 0, "pool", "history", "elb/default-elb"); !strings.Contains(stdout, `"guard":{"rule":"keepLast","overridden":true,"reason":"the instance stops"}`) {
		t.Errorf("the record does not have the override:\n%s", stdout)
	}
}

func TestInstanceReportsThatItIsNotAttached(t *testing.T) {
	t.Parallel()
	_, s := startBoth(t)
	if status, said := s.attachScript(t, "i-0123456789abcdef0", "attach"); status != 1 || !strings.Contains(said, "is not attached to default-elb: the last response was 400 invalid") {
		t.Errorf("status %d: %s", status, said)
	}
}
