// Package process runs programs and measures their cost.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

const (
	pollEvery  = time.Millisecond // resolution of the startup time
	startBound = 60 * time.Second // a large fleet takes some seconds
	stopBound  = 5 * time.Second  // for SIGTERM; then SIGKILL
	tailBytes  = 2 << 10          // of the output in an error
)

// Command describes a program to run.
type Command struct {
	Path string
	Args []string
	// Env is its environment beside PATH and HOME, so that figures do not depend on the
	// calling shell.
	Env []string
	// Output is a file to which its standard output and error are appended.
	Output string
	// Ready is a URL that returns 200 once it is up.
	Ready string
}

// Process is a running program. Stop, or the end of Start's context, ends it.
type Process struct {
	command *exec.Cmd
	output  *os.File
	ended   chan struct{} // closed at its end
	startup time.Duration
}

// Start starts a program and waits until it is ready.
func Start(ctx context.Context, c Command) (*Process, error) {
	output, err := os.OpenFile(c.Output, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	p := &Process{command: exec.CommandContext(ctx, c.Path, c.Args...), output: output, ended: make(chan struct{})}
	p.command.Env = slices.Concat([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, c.Env)
	p.command.Stdout, p.command.Stderr = output, output
	p.command.Cancel = func() error { return p.command.Process.Signal(syscall.SIGTERM) }
	p.command.WaitDelay = stopBound
	began := time.Now()
	if err := p.command.Start(); err != nil {
		return nil, errors.Join(err, output.Close())
	}
	go func() {
		defer close(p.ended)
		_ = p.command.Wait() // the end by a signal is not an error here
	}()
	if err := p.untilReady(ctx, c.Ready); err != nil {
		err = fmt.Errorf("start %s: %w\n%s", c.Path, err, p.tail())
		p.Stop()
		return nil, err
	}
	p.startup = time.Since(began)
	return p, nil
}

// Startup returns the time from the start of the process to its first 200.
func (p *Process) Startup() time.Duration { return p.startup }

// Stop ends the process by SIGTERM, or by SIGKILL after a while.
func (p *Process) Stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM) // fails if it has ended
	select {
	case <-p.ended:
	case <-time.After(stopBound):
		_ = p.command.Process.Kill()
		<-p.ended
	}
	_ = p.output.Close()
}

// Kill ends the process by SIGKILL.
func (p *Process) Kill() {
	_ = p.command.Process.Kill() // fails if it has ended
	<-p.ended
}

func (p *Process) untilReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, startBound)
	defer cancel()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", ctx.Err())
		case <-p.ended:
			return errors.New("it ended")
		case <-poll.C:
		}
		if answers(ctx, client, url) {
			return nil
		}
	}
}

// answers reports whether the URL returns 200. Errors are expected until the program
// listens.
func answers(ctx context.Context, client *http.Client, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// tail returns the end of the output.
func (p *Process) tail() []byte {
	info, err := p.output.Stat()
	if err != nil {
		return nil
	}
	text, err := io.ReadAll(io.NewSectionReader(p.output, max(0, info.Size()-tailBytes), tailBytes))
	if err != nil {
		return nil
	}
	return text
}

// FreeAddress returns a loopback address with a free port.
func FreeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
