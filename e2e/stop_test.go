package e2e

import (
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

const (
	interrupt = syscall.SIGINT
	terminate = syscall.SIGTERM
)

// hold delays every call to AWS for longer than any test takes.
const hold = `{"action":"*","kind":"timeout","probability":1,"delay":"10m"}`

// inFlight starts a request and returns once it has called AWS.
func inFlight(t *testing.T, s *service, emulator client) <-chan response {
	t.Helper()
	answered := make(chan response, 1)
	go func() {
		// An aborted request has status 0.
		answer, _ := s.try(http.MethodGet, "/elb/default-elb", "")
		answered <- answer
	}()
	eventually(t, "AWS is called", func() bool {
		return strings.Contains(emulator.get("/_emulator/calls").body, "DescribeLoadBalancers")
	})
	return answered
}

// refusesConnections waits until the service accepts no connections.
func refusesConnections(t *testing.T, s *service) {
	t.Helper()
	eventually(t, "connections are refused", func() bool {
		connection, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
		if err == nil {
			connection.Close()
		}
		return err != nil
	})
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	eventuallyWithin(t, testTimeout, what, condition)
}

// eventuallyWithin is eventually with a bound.
func eventuallyWithin(t *testing.T, limit time.Duration, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it does not come about that %s", what)
		}
	}
}

func TestStopFinishesRequestsInFlight(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"SIGTERM": terminate, "SIGINT": interrupt} {
		t.Run(name, func(t *testing.T) {
			_, url := startEmulator(t, "--latency", "500ms")
			s := startService(t, url)
			answered := inFlight(t, s, client{t: t, base: url})
			s.signal(signal)
			refusesConnections(t, s)
			if answer := <-answered; answer.status != http.StatusOK {
				t.Errorf("the request got %d", answer.status)
			}
			if status := s.wait(); status != 0 {
				t.Errorf("status %d", status)
			}
		})
	}
}

func TestStopEndsAtItsTimeout(t *testing.T) {
	_, url := startEmulator(t)
	emulator := client{t: t, base: url}
	s := startService(t, url, with("SHUTDOWN_TIMEOUT=200ms"))
	emulator.send(http.MethodPost, "/_emulator/faults", hold)
	answered := inFlight(t, s, emulator)
	if status := s.stop(); status != 1 {
		t.Errorf("status %d", status)
	}
	<-answered
	if stderr := s.stderr.String(); !strings.Contains(stderr, "lsapi: stopped before everything had finished: requests: not finished") {
		t.Error(stderr)
	}
}

func TestSecondSignalStopsImmediately(t *testing.T) {
	_, url := startEmulator(t)
	emulator := client{t: t, base: url}
	s := startService(t, url)
	emulator.send(http.MethodPost, "/_emulator/faults", hold)
	answered := inFlight(t, s, emulator)
	s.signal(terminate)
	refusesConnections(t, s)
	handled := time.Now()
	eventually(t, "the second signal is another stop", func() bool { return time.Since(handled) > time.Second })
	s.signal(terminate)
	if status := s.wait(); status != 1 {
		t.Errorf("status %d", status)
	}
	<-answered
	if stderr := s.stderr.String(); !strings.HasSuffix(stderr, "lsapi: stopped immediately by a second signal (terminated): requests in flight were cut off\n") {
		t.Error(stderr)
	}
}

// A terminal signals the service and its supervisor, which forwards the signal.
func TestTwoSimultaneousSignalsAreOneStop(t *testing.T) {
	for name, signals := range map[string][2]syscall.Signal{
		"twice the same":                {terminate, terminate},
		"one as it came, one forwarded": {interrupt, terminate},
	} {
		t.Run(name, func(t *testing.T) {
			_, url := startEmulator(t, "--latency", "500ms")
			s := startService(t, url)
			answered := inFlight(t, s, client{t: t, base: url})
			s.signal(signals[0])
			refusesConnections(t, s) // the first has arrived
			s.signal(signals[1])
			if answer := <-answered; answer.status != http.StatusOK {
				t.Errorf("the request got %d", answer.status)
			}
			if status := s.wait(); status != 0 {
				t.Errorf("status %d", status)
			}
		})
	}
}

func TestSIGHUPReloadsUsersFile(t *testing.T) {
	s := startService(t, "http://127.0.0.1:1")
	s.signal(syscall.SIGHUP)
	s.waitFor(s.stderr, `reloading the users file`)
	if answer := s.get("/healthcheck"); answer.status != http.StatusOK {
		t.Errorf("%d", answer.status)
	}
	file := filepath.Join(t.TempDir(), "users")
	writeUsers(t, file, usersLine(t, "bob", "one", bcrypt.MinCost))
	s = startService(t, "http://127.0.0.1:1", with("USERS_FILE="+file))
	writeUsers(t, file, "bob\n")
	s.signal(syscall.SIGHUP)
	s.waitFor(s.stderr, `reload failed`)
}

func TestDemoEndsWithItsTerminal(t *testing.T) {
	demo := startDemo(t, onFreePorts)
	folder := demo.waitFor(demo.stdout, `sqlite:(\S+)/lsapi.db`)[1]
	demo.signal(syscall.SIGHUP)
	if status := demo.wait(); status != 0 {
		t.Errorf("status %d", status)
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its record is left behind: %v", err)
	}
}

// The forwarded signal may arrive after the first has stopped the service.
func TestSignalAfterStopDoesNotChangeStatus(t *testing.T) {
	t.Parallel()
	// The race detector delays the exit.
	s := startService(t, "http://127.0.0.1:1", with("GORACE=atexit_sleep_ms=1000"))
	s.signal(terminate)
	s.waitFor(s.stderr, `"stopped"`)
	for s.running() {
		if err := s.cmd.Process.Signal(terminate); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		select {
		case <-s.exited:
		case <-time.After(time.Millisecond):
		}
	}
	if status := s.wait(); status != 0 {
		t.Errorf("status %d", status)
	}
}
