package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// deployScript is the script of the documentation, with a folder to run in.
type deployScript struct {
	service *service
	text    string
	folder  string
}

// newDeployScript returns the script for pools.
func newDeployScript(t *testing.T, s *service, pools string) *deployScript {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "docs", "command.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "\n```sh\n")
	text, _, found := strings.Cut(rest, "```\n")
	const printed, work = "pools=tg/web-admin,tg/web-elb\n", `echo "work on $instance"`
	if !found || !strings.Contains(text, printed) || !strings.Contains(text, work) {
		t.Fatalf("docs/command.md has no script for pools but\n%s", text)
	}
	return &deployScript{service: s, folder: t.TempDir(), text: strings.Replace(text, printed, "pools="+pools+"\n", 1)}
}

// run runs the script and returns its status and output.
func (d *deployScript) run(t *testing.T) (status int, text string) {
	t.Helper()
	script := filepath.Join(d.folder, "deploy.sh")
	if err := os.WriteFile(script, []byte(d.text), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "sh", script)
	command.Dir = d.folder
	command.Env = append(d.service.asUser(), "PATH="+filepath.Dir(binary)+":"+os.Getenv("PATH"), "HOME="+d.folder, "GORACE=atexit_sleep_ms=20")
	output, err := command.CombinedOutput()
	if command.ProcessState == nil {
		t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), string(output)
}

// files returns the names of the files that the script keeps.
func (d *deployScript) files(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir(d.folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != "deploy.sh" {
			names = append(names, e.Name())
		}
	}
	return strings.Join(names, " ")
}

// others are the instances of the demo's group web-admin.
var inWebAdmin = []string{"i-0a11ce0000000ab01", ofGroup}

func TestDeployScriptIsClean(t *testing.T) {
	command := exec.CommandContext(t.Context(), "shellcheck", "--shell=sh", "-")
	command.Stdin = strings.NewReader(newDeployScript(t, nil, "elb/default-elb").text)
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

func TestDeployScriptWorksOnEachInstanceOfSeveralGroups(t *testing.T) {
	t.Parallel()
	a, s := startWithGroups(t)
	d := newDeployScript(t, s, "tg/web-admin,tg/web-elb")
	status, text := d.run(t)
	if status != 0 {
		t.Fatalf("status %d\n%s", status, text)
	}
	for _, instance := range inWebAdmin {
		if strings.Count(text, "work on "+instance) != 1 {
			t.Errorf("%s was left out:\n%s", instance, text)
		}
		if got := s.instance(instance, noCache).pools(); got != "tg/web-admin attached, tg/web-elb attached" && got != "elb/web-elb attached, tg/web-admin attached, tg/web-elb attached" {
			t.Errorf("%s is in %s", instance, got)
		}
	}
	if calls := a.calls(); calls["RegisterTargets"] != 4 || calls["DeregisterTargets"] != 4 {
		t.Errorf("the calls are %v", calls)
	}
	if files := d.files(t); files != "" {
		t.Errorf("it leaves %s", files)
	}
}

func TestDeployScriptRefusesToTakeTheLastMemberOut(t *testing.T) {
	t.Parallel()
	a, s := startBoth(t)
	d := newDeployScript(t, s, "elb/default-elb")
	for range 2 { // a rerun is refused, too
		status, text := d.run(t)
		if status != 8 || !strings.Contains(text, "1 of 1 in service, minInService 1") || strings.Contains(text, "work on") {
			t.Errorf("status %d\n%s", status, text)
		}
	}
	if n := a.calls()["DeregisterInstancesFromLoadBalancer"]; n > 0 || len(a.members("default-elb")) != 1 {
		t.Errorf("AWS got %d calls", n)
	}
	// With a second member in service it goes on.
	s.elb(t, 0, "attach", "default-elb", spare, "--wait", "--timeout", "2m")
	if status, text := d.run(t); status != 0 || !strings.Contains(text, "work on "+member) {
		t.Errorf("status %d\n%s", status, text)
	}
	if got := a.members("default-elb"); len(got) != 2 {
		t.Errorf("the members are %v", got)
	}
}

func TestDeployScriptContinuesAfterAnAbort(t *testing.T) {
	t.Parallel()
	_, s := startWithGroups(t)
	d := newDeployScript(t, s, "tg/web-admin,tg/web-elb")
	whole := d.text
	d.text = strings.Replace(whole, `echo "work on $instance"`, `echo "work on $instance"; kill -KILL $$`, 1)
	if status, text := d.run(t); status != -1 || strings.Count(text, "work on ") != 1 {
		t.Fatalf("status %d\n%s", status, text)
	}
	out := inWebAdmin[0]
	if got := s.instance(out, noCache).pools(); strings.Contains(got, "tg/") {
		t.Fatalf("%s is in %s", out, got)
	}
	d.text = strings.Replace(whole, `echo "work on $instance"`, `echo "work on $instance"; false`, 1)
	if status, text := d.run(t); status != 1 || strings.Count(text, "work on "+out) != 1 {
		t.Fatalf("status %d\n%s", status, text)
	}
	d.text = whole
	status, text := d.run(t)
	if status != 0 || strings.Count(text, "work on ") != 2 {
		t.Errorf("status %d\n%s", status, text)
	}
	for _, instance := range inWebAdmin {
		if got := s.instance(instance, noCache).pools(); !strings.HasSuffix(got, "tg/web-admin attached, tg/web-elb attached") {
			t.Errorf("%s is in %s", instance, got)
		}
	}
	if files := d.files(t); files != "" {
		t.Errorf("it leaves %s", files)
	}
}
