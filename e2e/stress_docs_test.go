package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// stressPage returns the documentation of stress tests.
func stressPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "docs", "stress-test.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// small replaces the sizes of loads by those that a busy machine can bear.
var small = strings.NewReplacer("--duration 10s", "--duration 1s", "--duration 30s", "--duration 1s", "--duration 5s", "--duration 1s",
	"--rate 1000", "--rate 20", "--rate 500", "--rate 20", "p99>50ms", "p99>5s")

// Each block runs on the demo as pasted, with small loads.
func TestLoadsOfDocumentationRunOnDemo(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.run(t, untilTargetsServe)
	ran := 0
	for i, block := range strings.Split(stressPage(t), "\n```") {
		if i%2 == 1 && strings.HasPrefix(block, "\n") && strings.Contains(block, "\nlsapi stress ") {
			s.run(t, "set -e"+small.Replace(block))
			ran += strings.Count(block, "\nlsapi stress ")
		}
	}
	if ran != 7 {
		t.Errorf("%d loads were found", ran)
	}
	if text, err := os.ReadFile(filepath.Join(s.folder, "admin.html")); err != nil || !strings.Contains(string(text), `"name":"web-admin"`) {
		t.Errorf("the page lacks the target group: %v", err)
	}
}

// untilTargetsServe waits until the service reports the demo's two healthy targets.
const untilTargetsServe = `until [ "$(lsapi tg show web-elb -o json | jq '[.members[] | select(.health.state == "InService")] | length')" = 2 ]; do sleep 0.1; done`

func TestScriptOfDocumentationReplacesTargetsWithoutFailure(t *testing.T) {
	t.Parallel()
	_, rest, _ := strings.Cut(stressPage(t), "\n```sh\n")
	script, _, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatal("docs/stress-test.md has no script")
	}
	s := newShell(t)
	s.run(t, untilTargetsServe)
	command := exec.CommandContext(t.Context(), "sh", "-c", s.moved.Replace(script))
	command.Dir, command.Env, command.WaitDelay = s.folder, s.environ, time.Second
	text, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if drained := strings.Count(string(text), `"outcome": "drained"`); drained != 2 {
		t.Errorf("%d targets were drained:\n%s", drained, text)
	}
	report, err := os.ReadFile(filepath.Join(s.folder, "load.txt"))
	if err != nil || !strings.Contains(string(report), "Target group web-elb behind web-alb") || strings.Contains(string(report), "failed") {
		t.Errorf("the load was %v\n%s", err, report)
	}
}
