package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// testTimeout bounds what should happen soon, on a busy machine.
const testTimeout = 30 * time.Second

// process is a running lsapi.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout *output
	stderr *output
	exited chan struct{}
	logs   string // the folder of its log when the test fails; empty: the test's own
}

// setting modifies the start of a process.
type setting func(*exec.Cmd)

// with adds variables, NAME=value, to the otherwise minimal environment.
func with(variables ...string) setting {
	return func(c *exec.Cmd) { c.Env = append(c.Env, variables...) }
}

// in sets the working directory; the default is an empty one.
func in(folder string) setting {
	return func(c *exec.Cmd) { c.Dir = folder }
}

// start starts lsapi with the arguments. At the end of the test it is stopped, which must
// succeed.
func start(t *testing.T, arguments []string, settings ...setting) *process {
	t.Helper()
	p := &process{t: t, stdout: newOutput(), stderr: newOutput(), exited: make(chan struct{})}
	// The command has no context: it is stopped by signals, as in production.
	p.cmd = exec.Command(binary, arguments...)
	p.cmd.Dir = t.TempDir()
	p.cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + p.cmd.Dir, "AWS_EC2_METADATA_DISABLED=true",
		// By default the race detector delays each exit by a second.
		"GORACE=atexit_sleep_ms=20",
	}
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	for _, change := range settings {
		change(p.cmd)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		// The process's state has the result.
		_ = p.cmd.Wait()
	}()
	t.Cleanup(p.cleanUp)
	return p
}

// run runs lsapi and returns its exit status and output.
func run(t *testing.T, arguments []string, settings ...setting) (status int, stdout, stderr string) {
	t.Helper()
	p := start(t, arguments, settings...)
	status = p.wait()
	return status, p.stdout.String(), p.stderr.String()
}

// signal sends the process a signal.
func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("signal %v: %v", s, err)
	}
}

// wait waits for the end of the process and returns its exit status, -1 after a deadly
// signal.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(testTimeout):
		p.t.Fatalf("lsapi %s still runs", strings.Join(p.cmd.Args[1:], " "))
		return -1
	}
}

// stop sends SIGTERM, as a supervisor does, and returns the exit status.
func (p *process) stop() int {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	return p.wait()
}

func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

func (p *process) cleanUp() {
	if p.running() {
		if status := p.stopOrKill(); status != 0 {
			p.t.Errorf("stopped with status %d", status)
		}
	}
	if strings.Contains(p.stderr.String(), "DATA RACE") {
		p.t.Error("the race detector has found something")
	}
	switch {
	case p.t.Failed() && p.logs != "":
		file := filepath.Join(p.logs, fmt.Sprintf("lsapi-%d.log", p.cmd.Process.Pid))
		if err := os.WriteFile(file, []byte(p.stderr.String()), 0o600); err != nil {
			p.t.Error(err)
		}
	case p.t.Failed():
		p.t.Logf("lsapi %s\nstdout:\n%s\nstderr:\n%s", strings.Join(p.cmd.Args[1:], " "), p.stdout, p.stderr)
	}
}

func (p *process) stopOrKill() int {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Errorf("stop: %v", err)
	}
	select {
	case <-p.exited:
	case <-time.After(testTimeout):
		p.t.Error("it does not stop and is killed")
		if err := p.cmd.Process.Kill(); err != nil {
			p.t.Error(err)
		}
		<-p.exited
	}
	return p.cmd.ProcessState.ExitCode()
}
