package app

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// supervise opens the socket of a supervisor with a watchdog. Each notification is sent to the
// channel.
func supervise(t *testing.T, watchdog time.Duration) <-chan string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", strconv.FormatInt(watchdog.Microseconds(), 10))
	received, ended := make(chan string, 1000), make(chan struct{})
	go func() {
		defer close(ended)
		buffer := make([]byte, 4096)
		for {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			received <- string(buffer[:n])
		}
	}()
	t.Cleanup(func() { conn.Close(); <-ended })
	return received
}

// next returns the next text with the prefix, or "" if none comes in time.
func next(texts <-chan string, prefix string, within time.Duration) string {
	timeout := time.After(within)
	for {
		select {
		case text := <-texts:
			if strings.HasPrefix(text, prefix) {
				return text
			}
		case <-timeout:
			return ""
		}
	}
}

// AWS is unreachable in this test, and no reason for a restart.
func TestSystemdIsNotifiedOfStartLifeAndStop(t *testing.T) {
	notifications := supervise(t, 100*time.Millisecond)
	service, err := Start(t.Context(), options(t))
	if err != nil {
		t.Fatal(err)
	}
	want := "READY=1\nSTATUS=serving on " + service.Addr().String()
	if got := next(notifications, "", 10*time.Second); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for range 5 {
		if next(notifications, "WATCHDOG=1", 10*time.Second) == "" {
			t.Fatal("no report that it is alive")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := service.Stop(ctx); err != nil {
		t.Error(err)
	}
	got := next(notifications, "STOPPING=1", 10*time.Second)
	_, text, _ := strings.Cut(got, "EXTEND_TIMEOUT_USEC=")
	extended, err := strconv.Atoi(text)
	if most := int((65 * time.Second).Microseconds()); err != nil || extended > most || extended < most-10_000_000 {
		t.Errorf("got %q, %v", got, err)
	}
}

// Nothing listens at the port of the database.
func TestSystemdIsNotifiedOfAStartThatWaitsForTheRecord(t *testing.T) {
	notifications := supervise(t, time.Minute)
	o := options(t)
	o.Config.Store = "postgres://lsapi@127.0.0.1:1/lsapi"
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := Start(ctx, o)
		ended <- err
	}()
	got := next(notifications, "", 10*time.Second)
	if !strings.HasPrefix(got, "STATUS=waiting for the record of changes: ") || !strings.Contains(got, "127.0.0.1:1") {
		t.Errorf("got %q", got)
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("it starts")
	}
}

// stuckListener accepts no further connection once it is stuck, as a process that hangs.
type stuckListener struct {
	net.Listener
	stuck, closed chan struct{}
}

func (l stuckListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	select {
	case <-l.stuck:
		<-l.closed
		return nil, net.ErrClosed
	default:
		return conn, err
	}
}

func (l stuckListener) Close() error { close(l.closed); return l.Listener.Close() }

func TestServiceThatDoesNotAnswerIsNotReportedAlive(t *testing.T) {
	notifications := supervise(t, 400*time.Millisecond)
	o := options(t)
	stuck := stuckListener{stuck: make(chan struct{}), closed: make(chan struct{})}
	o.Listen = func(ctx context.Context) (net.Listener, error) {
		var err error
		stuck.Listener, err = Listen(ctx, o.Config.Listen)
		return stuck, err
	}
	service, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if next(notifications, "WATCHDOG=1", 10*time.Second) == "" {
		t.Fatal("no report that it is alive")
	}
	close(stuck.stuck)
	const checks = 2 * time.Second // time of several checks that fail
	reports := 0                   // those that were sent before, and that of a check that was under way
	for ; reports < 10 && next(notifications, "WATCHDOG=1", checks) != ""; reports++ {
	}
	if reports == 10 {
		t.Error("the reports do not end")
	}
	if err := service.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// elsewhere has another address than it listens on.
type elsewhere struct {
	net.Listener
	address net.Addr
}

func (l elsewhere) Addr() net.Addr { return l.address }

// Checks that fail follow soon after each other, also if the watchdog is slow.
func TestServiceWhoseHealthCheckFailsIsNotReportedAlive(t *testing.T) {
	notifications := supervise(t, time.Minute)
	checked := make(chan string, 100)
	unhealthy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		checked <- r.URL.Path
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(unhealthy.Close)
	o := options(t)
	o.Listen = func(ctx context.Context) (net.Listener, error) {
		listener, err := Listen(ctx, o.Config.Listen)
		return elsewhere{listener, unhealthy.Listener.Addr()}, err
	}
	service, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if path := next(checked, "", 10*time.Second); path != "/healthcheck" {
			t.Errorf("the path of the check is %q", path)
		}
	}
	if err := service.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"READY=1", "STOPPING=1"} {
		if got := next(notifications, "", 10*time.Second); !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %s", got, want)
		}
	}
}
