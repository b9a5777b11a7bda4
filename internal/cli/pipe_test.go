package cli_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// lsapi elb list | head must not print an error, also where SIGPIPE is ignored, as under
// nohup and some supervisors.
func TestClosedPipeEndsSilently(t *testing.T) {
	service := newFakeService(t, soon)
	for _, command := range []string{
		"version", "--help", "elb list", "elb list -o yaml", "elb show web-elb -o table", "elb history", "elb history -o table", "doctor",
		"completion bash", "elb attach web-elb " + stopped,
	} {
		for _, script := range []string{`exec "$@"`, `trap "" PIPE; exec "$@"`} {
			var stderr bytes.Buffer
			status := runWithClosedPipe(t, service, &stderr, script, strings.Fields(command)...)
			if status != 141 || stderr.Len() > 0 {
				t.Errorf("%s, by %s: status %d, %s", command, script, status, &stderr)
			}
		}
	}
}

// runWithClosedPipe runs lsapi with a closed pipe as stdout, and returns its status as in
// a shell.
func runWithClosedPipe(t *testing.T, service *fakeService, stderr *bytes.Buffer, script string, arguments ...string) int {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	if err := read.Close(); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "sh", append([]string{"-c", script, "sh", "lsapi"}, arguments...)...)
	command.Env = append(service.environ(), "PATH="+os.Getenv("PATH"), "HOME="+t.TempDir(), "GORACE=atexit_sleep_ms=20")
	command.Stdout, command.Stderr = write, stderr
	err = command.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	state, ok := command.ProcessState.Sys().(syscall.WaitStatus)
	if ok && state.Signaled() {
		return 128 + int(state.Signal())
	}
	return command.ProcessState.ExitCode()
}

// environ returns the variables for the fake service.
func (s *fakeService) environ() []string {
	return []string{"LSAPI_URL=" + s.URL, "LSAPI_USER=" + user, "LSAPI_PASSWORD=" + password, "TZ=UTC"}
}
