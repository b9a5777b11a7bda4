package e2e

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// pipe receives the output of a process. Only the test reads it.
type pipe struct {
	t      *testing.T
	reader *os.File
	lines  *bufio.Reader
	writer *os.File
}

func newPipe(t *testing.T) *pipe {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close(); writer.Close() })
	return &pipe{t: t, reader: reader, lines: bufio.NewReader(reader), writer: writer}
}

// fill fills the pipe, so that the next write blocks.
func (p *pipe) fill() *pipe {
	p.t.Helper()
	for {
		if err := p.writer.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			p.t.Fatal(err)
		}
		if _, err := p.writer.Write(make([]byte, 4<<10)); errors.Is(err, os.ErrDeadlineExceeded) {
			return p
		} else if err != nil {
			p.t.Fatal(err)
		}
	}
}

// waitFor reads lines until one contains the text, and returns it.
func (p *pipe) waitFor(text string) string {
	p.t.Helper()
	if err := p.reader.SetReadDeadline(time.Now().Add(testTimeout)); err != nil {
		p.t.Fatal(err)
	}
	for {
		line, err := p.lines.ReadString('\n')
		if strings.Contains(line, text) {
			return line
		}
		if err != nil {
			p.t.Fatalf("the log ends before a line with %q: %v", text, err)
		}
	}
}

func stderrTo(p *pipe) setting { return func(c *exec.Cmd) { c.Stderr = p.writer } }

func stdoutTo(p *pipe) setting { return func(c *exec.Cmd) { c.Stdout = p.writer } }

// startServiceLoggingTo starts a service that logs to the pipe, and reads up to the line
// with its address.
func startServiceLoggingTo(t *testing.T, log *pipe, endpoint string, settings ...setting) *service {
	t.Helper()
	p := start(t, []string{"serve", "--listen", "127.0.0.1:0"},
		append([]setting{with(serviceEnvironment(endpoint)...), stderrTo(log)}, settings...)...)
	listening := decoded[struct{ Address string }](t, log.waitFor(`"listening"`))
	return &service{p, client{t: t, base: "http://" + listening.Address, authorization: "Basic " + apiToken()}}
}

// logMuch makes the service log more than n bytes.
func (s *service) logMuch(t *testing.T, bytes int) {
	t.Helper()
	const path = 256 // the log truncates longer paths
	connection := &http.Transport{}
	defer connection.CloseIdleConnections()
	for range bytes/path + 1 {
		if answer, err := s.on(t).tryOn(connection, "/"+strings.Repeat("x", path)); err != nil || answer.status != http.StatusNotFound {
			t.Fatalf("%d %s %v", answer.status, answer.body, err)
		}
	}
}

const pipeSize = 64 << 10

func TestUnreadLogDelaysNoChange(t *testing.T) {
	t.Parallel()
	const clients = 50
	a := startAWS(t, "--fleet", "1x1")
	log := newPipe(t)
	s := startServiceLoggingTo(t, log, a.base, with("REQUEST_TIMEOUT=20s"))
	s.logMuch(t, 2*pipeSize)
	for _, method := range []string{http.MethodPost, http.MethodDelete} {
		attempts := make([]attempt, clients)
		for i := range attempts {
			attempts[i] = attempt{method: method, instance: generatedSpare(i + 1)}
		}
		if counts := statuses(s.atOnce(t, "elb-0001", attempts)); counts[http.StatusCreated] != clients {
			t.Errorf("%s: %v", method, counts)
		}
	}
	s.logMuch(t, 1<<20) // more than is queued
	if s.metric(t, "lsapi_log_lines_dropped_total") == 0 {
		t.Error("no line is counted as lost")
	}
	log.waitFor("log lines were lost")
	go io.Copy(io.Discard, log.lines)
	if status := s.stop(); status != 0 {
		t.Errorf("status %d", status)
	}
}

func TestServiceStopsWithUnreadLog(t *testing.T) {
	t.Parallel()
	log := newPipe(t)
	s := startServiceLoggingTo(t, log, "http://127.0.0.1:1")
	s.logMuch(t, 2*pipeSize)
	if status := s.stop(); status != 1 {
		t.Errorf("status %d, want 1: the last lines are lost", status)
	}
}

func TestServiceSurvivesEndOfLogReader(t *testing.T) {
	t.Parallel()
	a := startAWS(t)
	log := newPipe(t)
	s := startServiceLoggingTo(t, log, a.base)
	log.writer.Close()
	log.reader.Close()
	for _, method := range []string{http.MethodPost, http.MethodDelete} {
		if answer := s.send(method, "/elb/default-elb", machineID(spare)); answer.status != http.StatusCreated {
			t.Errorf("%s: %d %s", method, answer.status, answer.body)
		}
	}
	if status := s.stop(); status != 1 || slices.Contains(a.members("default-elb"), spare) {
		t.Errorf("status %d, want 1: the last lines are lost; the members are %v", status, a.members("default-elb"))
	}
}

func TestDemoAndEmulatorStopWithUnreadOutput(t *testing.T) {
	for command, flag := range map[string]string{"demo": "--emulator-listen", "emulator": "--listen"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			arguments := []string{command, flag, address}
			if command == "demo" {
				arguments = append(arguments, "--listen", "127.0.0.1:0")
			}
			p := start(t, arguments, stdoutTo(newPipe(t).fill()))
			if command == "demo" {
				p.waitFor(p.stderr, "listening")
			}
			eventually(t, "it listens", func() bool {
				connection, err := net.Dial("tcp", address)
				if err == nil {
					connection.Close()
				}
				return err == nil
			})
			if status := p.stop(); status != 0 {
				t.Errorf("status %d", status)
			}
		})
	}
}

// freeAddress returns an address without a listener.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
