// Package scripts has no code. Its tests run builder.sh with a fake of Docker that fails on
// request.
package scripts

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const old = "sha256:old"

// host is a machine with a repository and a fake of Docker.
type host struct {
	t                          *testing.T
	state, envFile, repository string
	commit                     string
	path                       string // PATH; empty for that with the stand-in
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t, state: t.TempDir(), repository: t.TempDir()}
	h.envFile = filepath.Join(t.TempDir(), ".env")
	h.write(h.envFile, "API_TOKEN=ZGVtbzpkZW1v\n")
	for _, arguments := range [][]string{
		{"init", "--quiet", "--initial-branch", "main"},
		{"-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "--allow-empty", "--message", "first"},
	} {
		h.git(arguments...)
	}
	h.commit = h.git("rev-parse", "--short=12", "HEAD")
	return h
}

func (h *host) git(arguments ...string) string {
	h.t.Helper()
	out, err := exec.CommandContext(h.t.Context(), "git", append([]string{"-C", h.repository}, arguments...)...).CombinedOutput()
	if err != nil {
		h.t.Fatalf("git %v: %v\n%s", arguments, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (h *host) write(file, text string) {
	h.t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// runs starts the old container.
func (h *host) runs() {
	h.write(filepath.Join(h.state, "containers", "lsapi"), old+" running\n")
}

// container returns the image and the state of a container; empty if it does not exist.
func (h *host) container(name string) string {
	text, _ := os.ReadFile(filepath.Join(h.state, "containers", name)) // it may not exist
	return strings.TrimSpace(string(text))
}

// builder runs the script, and returns its exit status and output.
func (h *host) builder(environment []string, arguments ...string) (status int, said string) {
	h.t.Helper()
	command := exec.CommandContext(h.t.Context(), "bash", append([]string{"builder.sh"}, arguments...)...)
	path := h.path
	if path == "" {
		here, err := filepath.Abs("testdata/bin")
		if err != nil {
			h.t.Fatal(err)
		}
		path = here + ":" + os.Getenv("PATH")
	}
	command.Env = append([]string{"PATH=" + path, "HOME=" + h.t.TempDir(), "FAKE_STATE=" + h.state, "ENV_FILE=" + h.envFile, "HEALTH_PATIENCE=1"}, environment...)
	out, err := command.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), string(out)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return 0, string(out)
}

func (h *host) deploy(environment ...string) (status int, said string) {
	h.t.Helper()
	return h.builder(environment, "--repository", h.repository)
}

// calls returns the calls of Docker, each with the containers after it.
func (h *host) calls() []string {
	h.t.Helper()
	text, err := os.ReadFile(filepath.Join(h.state, "calls"))
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func TestNewContainerReplacesOldOne(t *testing.T) {
	h := newHost(t)
	h.runs()
	if status, said := h.deploy(); status != 0 || !strings.Contains(said, "lsapi:"+h.commit+" serves at port 8000") {
		t.Fatalf("status %d: %s", status, said)
	}
	if got := h.container("lsapi"); got != "lsapi:"+h.commit+" running" {
		t.Errorf("what runs is %s", got)
	}
	for _, name := range []string{"lsapi-previous", "lsapi-candidate"} {
		if got := h.container(name); got != "" {
			t.Errorf("%s is left: %s", name, got)
		}
	}
	if _, err := os.Stat(filepath.Join(h.state, "images", "lsapi_previous")); err != nil {
		t.Error("the old image is not kept for a rollback")
	}
	all := strings.Join(h.calls(), "\n")
	for _, want := range []string{"--volume lsapi-state:/state", "--env-file " + h.envFile, "--publish 127.0.0.1:8001:8000", "--publish 8000:8000", "--restart unless-stopped"} {
		if !strings.Contains(all, want) {
			t.Errorf("no call has %s:\n%s", want, all)
		}
	}
}

func TestFilesOfTheServiceAreMountedIfTheyExist(t *testing.T) {
	for _, exists := range []bool{true, false} {
		h := newHost(t)
		folder := filepath.Join(t.TempDir(), "files")
		if exists {
			if err := os.Mkdir(folder, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if status, said := h.deploy("FILES_FOLDER=" + folder); status != 0 {
			t.Fatalf("status %d: %s", status, said)
		}
		runs := 0
		for _, call := range h.calls() {
			if strings.Contains(call, "run --detach") {
				runs++
				if mounted := strings.Contains(call, "--volume "+folder+":"+folder+":ro"); mounted != exists {
					t.Errorf("the folder exists: %v, mounted: %v: %s", exists, mounted, call)
				}
			}
		}
		if runs != 2 {
			t.Errorf("%d containers were started", runs)
		}
	}
}

// Whichever call of Docker fails, the old container exists until the new one is healthy in
// its place.
func TestServiceSurvivesFailureOfAnyStep(t *testing.T) {
	steps := newHost(t)
	steps.runs()
	if status, said := steps.deploy(); status != 0 {
		t.Fatalf("status %d: %s", status, said)
	}
	whole := steps.calls()
	for n := 1; n <= len(whole); n++ {
		t.Run(whole[n-1], func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.runs()
			status, said := h.deploy(fmt.Sprintf("FAIL_AT=%d", n))
			isNew := h.container("lsapi") == "lsapi:"+h.commit+" running"
			isOld := h.container("lsapi") == old+" running"
			if isNew != (status == 0) || isOld != (status != 0) {
				t.Errorf("status %d, and what serves is %q: %s", status, h.container("lsapi"), said)
			}
			if status != 0 && strings.Count(strings.TrimSpace(said), "\n") > 2 {
				t.Errorf("it says more than a line or two:\n%s", said)
			}
			healthyInPlace := false
			for _, call := range h.calls() {
				healthyInPlace = healthyInPlace || strings.Contains(call, " exec lsapi /lsapi healthcheck |")
				if !healthyInPlace && !strings.Contains(call, "="+old+":") {
					t.Errorf("the old container is gone after %s", call)
				}
			}
		})
	}
}

// A session that ends leaves the old container or the new one, and no candidate.
func TestServiceSurvivesTheEndOfTheSession(t *testing.T) {
	steps := newHost(t)
	steps.runs()
	if status, said := steps.deploy(); status != 0 {
		t.Fatalf("status %d: %s", status, said)
	}
	whole := steps.calls()
	for n := 1; n <= len(whole); n++ {
		t.Run(whole[n-1], func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.runs()
			status, said := h.deploy(fmt.Sprintf("HANG_UP_AT=%d", n))
			want := old + " running"
			if status == 0 {
				want = "lsapi:" + h.commit + " running"
			}
			if got := h.container("lsapi"); got != want || h.container("lsapi-candidate") != "" {
				t.Errorf("status %d, what serves is %q, and the candidate %q: %s", status, got, h.container("lsapi-candidate"), said)
			}
		})
	}
}

// Power may be lost while one is tried out. It must not compete for the record.
func TestCandidateOfAnEarlierRunIsEnded(t *testing.T) {
	for name, arguments := range map[string][]string{"deploy": nil, "restart": {"restart"}, "rollback": {"rollback"}} {
		h := newHost(t)
		h.runs()
		h.write(filepath.Join(h.state, "images", "lsapi_previous"), "")
		h.write(filepath.Join(h.state, "containers", "lsapi-candidate"), "sha256:new running\n")
		if arguments == nil {
			arguments = []string{"--repository", h.repository}
		}
		if status, said := h.builder(nil, arguments...); status != 0 || h.container("lsapi-candidate") != "" {
			t.Errorf("%s: status %d, the candidate is %q: %s", name, status, h.container("lsapi-candidate"), said)
		}
		for _, call := range h.calls() {
			if strings.Contains(call, "--name lsapi-candidate") && !strings.Contains(call, "--restart no") {
				t.Errorf("Docker starts it again after a reboot: %s", call)
			}
			if strings.Contains(call, " stop lsapi") && strings.Contains(call, "lsapi-candidate=") {
				t.Errorf("it takes the record over: %s", call)
			}
		}
	}
}

func TestBuildersRunOneAfterTheOther(t *testing.T) {
	h := newHost(t)
	h.runs()
	folder, err := os.Open(filepath.Dir(h.envFile))
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	done := make(chan string)
	go func() {
		status, said := h.deploy()
		done <- fmt.Sprintf("status %d: %s", status, said)
	}()
	select {
	case result := <-done:
		t.Fatalf("it does not wait: %s", result)
	case <-time.After(time.Second):
	}
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	if result := <-done; !strings.HasPrefix(result, "status 0: builder: another one runs") {
		t.Error(result)
	}
}

// A service that is healthy inside its container, and not at the published port, does not serve.
func TestImageOutOfReachIsNotDeployed(t *testing.T) {
	h := newHost(t)
	h.runs()
	status, said := h.deploy("DEAF=lsapi:" + h.commit)
	if status != 6 || h.container("lsapi") != old+" running" || h.container("lsapi-candidate") != "" || !strings.Contains(said, "untouched") {
		t.Errorf("status %d, what serves is %q: %s", status, h.container("lsapi"), said)
	}
}

func TestRecordIsInTheGivenVolumeOrFolder(t *testing.T) {
	folder := t.TempDir()
	for state, arguments := range map[string][]string{
		folder:    {"--repository", "REPOSITORY", "--state", folder},
		"records": {"restart", "--state", "records"},
	} {
		h := newHost(t)
		h.runs()
		if arguments[0] != "restart" {
			arguments[1] = h.repository
		}
		if status, said := h.builder(nil, arguments...); status != 0 {
			t.Fatalf("status %d: %s", status, said)
		}
		calls := strings.Join(h.calls(), "\n")
		if runs, mounted := strings.Count(calls, "run --detach"), strings.Count(calls, "--volume "+state+":/state"); runs != 2 || mounted != 2 {
			t.Errorf("of %d containers %d use %s:\n%s", runs, mounted, state, calls)
		}
	}
}

func TestRestartReadsTheSettingsAnew(t *testing.T) {
	h := newHost(t)
	if status, said := h.builder(nil, "restart"); status != 2 || !strings.Contains(said, "nothing to restart") {
		t.Errorf("with nothing to restart: status %d: %s", status, said)
	}
	h.runs()
	if status, said := h.builder(nil, "restart"); status != 0 || h.container("lsapi") != old+" running" {
		t.Errorf("status %d, what serves is %q: %s", status, h.container("lsapi"), said)
	}
	calls := strings.Join(h.calls(), "\n")
	if strings.Count(calls, " run --detach") != 2 || strings.Contains(calls, " build ") {
		t.Errorf("it is not tried out and swapped:\n%s", calls)
	}
	if _, err := os.Stat(filepath.Join(h.state, "images", "lsapi_previous")); err == nil {
		t.Error("a rollback goes back to the same image")
	}
	status, said := h.builder([]string{"SICK=" + old}, "restart")
	if status != 6 || h.container("lsapi") != old+" running" {
		t.Errorf("a failed restart: status %d, what serves is %q: %s", status, h.container("lsapi"), said)
	}
}

func TestUnhealthyImageIsNotDeployed(t *testing.T) {
	h := newHost(t)
	h.runs()
	status, said := h.deploy("SICK=lsapi:" + h.commit)
	if status != 6 || h.container("lsapi") != old+" running" || h.container("lsapi-candidate") != "" || !strings.Contains(said, "untouched") {
		t.Errorf("status %d, what serves is %q: %s", status, h.container("lsapi"), said)
	}
}

func TestRollbackDeploysPreviousImage(t *testing.T) {
	h := newHost(t)
	if status, said := h.builder(nil, "rollback"); status != 2 || !strings.Contains(said, "no image to roll back to") {
		t.Errorf("with nothing to go back to: status %d: %s", status, said)
	}
	h.runs()
	if status, said := h.deploy(); status != 0 {
		t.Fatalf("status %d: %s", status, said)
	}
	if status, said := h.builder(nil, "rollback"); status != 0 || h.container("lsapi") != "lsapi:previous running" {
		t.Errorf("status %d, what serves is %q: %s", status, h.container("lsapi"), said)
	}
}

func TestFirstDeploymentSucceeds(t *testing.T) {
	h := newHost(t)
	if status, said := h.deploy(); status != 0 || h.container("lsapi") != "lsapi:"+h.commit+" running" {
		t.Errorf("status %d: %s", status, said)
	}
}

// A token in a file is in neither the container's environment nor what Docker shows of it.
func TestCredentialsMayBeInAFile(t *testing.T) {
	for _, setting := range []string{"API_TOKEN_FILE=/etc/lsapi/api-token", "USERS_FILE=/etc/lsapi/users"} {
		h := newHost(t)
		h.write(h.envFile, setting+"\n")
		if status, said := h.deploy(); status != 0 {
			t.Errorf("%s: status %d: %s", setting, status, said)
		}
	}
}

func TestInvalidUsageIsOneLineWithoutEffect(t *testing.T) {
	for name, test := range map[string]struct {
		prepare   func(*host)
		arguments []string
		status    int
		word      string
	}{
		"no repository":           {nil, nil, 2, "REPOSITORY_URL"},
		"an unknown flag":         {nil, []string{"--branch", "x"}, 2, "--branch"},
		"a flag without a value":  {nil, []string{"--ref"}, 2, "--ref"},
		"a port of none":          {nil, []string{"--port", "http"}, 2, "--port"},
		"a ref that is a flag":    {nil, []string{"--repository", "REPOSITORY", "--ref", "--upload-pack=x"}, 2, "--ref"},
		"a ref that is not":       {nil, []string{"--repository", "REPOSITORY", "--ref", "no-such"}, 4, "no-such"},
		"a repository that is no": {nil, []string{"--repository", "/no/such/repository"}, 4, "cannot be cloned"},
		"no settings":             {func(h *host) { h.envFile += ".missing" }, []string{"--repository", "REPOSITORY"}, 2, "API_TOKEN"},
		"a listener out of reach": {func(h *host) { h.write(h.envFile, "API_TOKEN=x\nLISTEN=127.0.0.1:8000\n") }, []string{"--repository", "REPOSITORY"}, 2, "LISTEN=127.0.0.1:8000"},
		"a listener of a port":    {func(h *host) { h.write(h.envFile, "LISTEN=:8000\nAPI_TOKEN=x\nLISTEN=:9000\n") }, []string{"--repository", "REPOSITORY"}, 2, "LISTEN=:9000"},
		"a record nowhere":        {nil, []string{"--repository", "REPOSITORY", "--state", "/no/such/folder"}, 2, "/no/such/folder"},
		"a record of no name":     {nil, []string{"--repository", "REPOSITORY", "--state", "./folder"}, 2, "./folder"},
		"settings without token":  {func(h *host) { h.write(h.envFile, "API_TOKEN=\n") }, []string{"--repository", "REPOSITORY"}, 2, "API_TOKEN"},
		"settings for everybody": {func(h *host) {
			if err := os.Chmod(h.envFile, 0o644); err != nil {
				h.t.Fatal(err)
			}
		}, []string{"--repository", "REPOSITORY"}, 2, "chmod 600"},
		"no curl":                {func(h *host) { h.path = pathWithout(h.t, "docker") }, []string{"--repository", "REPOSITORY"}, 3, "curl"},
		"no Docker":              {func(h *host) { h.path = pathWithout(h.t) }, []string{"--repository", "REPOSITORY"}, 3, "not installed"},
		"no folder, a full disk": {func(h *host) { h.write(filepath.Join(h.state, "tmp"), "") }, []string{"--repository", "REPOSITORY"}, 4, "disk"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.runs()
			if test.prepare != nil {
				test.prepare(h)
			}
			var environment []string
			if strings.Contains(name, "full disk") {
				environment = append(environment, "TMPDIR="+filepath.Join(h.state, "tmp"))
			}
			arguments := strings.Split(strings.ReplaceAll(strings.Join(test.arguments, "\n"), "REPOSITORY", h.repository), "\n")
			if len(test.arguments) == 0 {
				arguments = nil
			}
			status, said := h.builder(environment, arguments...)
			if status != test.status || !strings.Contains(said, test.word) || strings.Count(said, "builder: ") != 1 {
				t.Errorf("status %d: %s", status, said)
			}
			if h.container("lsapi") != old+" running" {
				t.Errorf("what serves is %q", h.container("lsapi"))
			}
		})
	}
}

func TestHelpHasNoEffect(t *testing.T) {
	for _, arguments := range [][]string{{"--help"}, {"-h"}, {"rollback", "--help"}, {"--ref", "v2", "--help"}} {
		h := newHost(t)
		h.runs()
		status, said := h.builder(nil, arguments...)
		if status != 0 || !strings.Contains(said, "Usage: builder.sh ") || !strings.Contains(said, "Exit status: 0 done") {
			t.Errorf("%v: status %d: %s", arguments, status, said)
		}
		if _, err := os.Stat(filepath.Join(h.state, "calls")); !os.IsNotExist(err) {
			t.Errorf("%v: Docker was called: %v", arguments, err)
		}
	}
}

// pathWithout returns a PATH without Docker and curl, but with some stand-ins.
func pathWithout(t *testing.T, stand ...string) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range append([]string{"bash", "git", "stat", "grep", "mktemp", "rm", "sleep", "cat", "mkdir", "ls", "tr"}, stand...) {
		target, err := exec.LookPath(name)
		if name == "docker" {
			target, err = filepath.Abs("testdata/bin/docker")
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}
