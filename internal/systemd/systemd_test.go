package systemd_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lsapi/internal/systemd"
)

// listen opens the socket of a supervisor and names it in the environment.
func listen(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return conn
}

// receive returns the next datagram.
func receive(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	buffer := make([]byte, 4096)
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, err := conn.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	return string(buffer[:n])
}

func TestNotificationsAreSent(t *testing.T) {
	abstract := fmt.Sprintf("@lsapi-test-%d", os.Getpid())
	for _, path := range []string{filepath.Join(t.TempDir(), "notify"), abstract} {
		conn := listen(t, path)
		for _, test := range []struct {
			send func() error
			want string
		}{
			{func() error { return systemd.Ready("serving on [::]:8000") }, "READY=1\nSTATUS=serving on [::]:8000"},
			{func() error { return systemd.Stopping(40 * time.Second) }, "STOPPING=1\nSTATUS=stopping\nEXTEND_TIMEOUT_USEC=40000000"},
			{func() error { return systemd.Failed(errors.New("2 problems:\n  one\n  READY=1")) }, "STATUS=2 problems: one READY=1"},
			{func() error { return systemd.Waiting("waiting for\nREADY=1") }, "STATUS=waiting for READY=1"},
			{systemd.Alive, "WATCHDOG=1"},
		} {
			if err := test.send(); err != nil {
				t.Fatal(err)
			}
			if got := receive(t, conn); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		}
	}
}

func TestNothingIsSentWithoutSupervisor(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	if err := systemd.Ready(""); err != nil {
		t.Error(err)
	}
}

func TestSupervisorThatIsGoneIsAnError(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "none"))
	if err := systemd.Alive(); err == nil || !strings.HasPrefix(err.Error(), "notify systemd: ") {
		t.Errorf("got %v", err)
	}
}

// A full queue would block a write for ever.
func TestSupervisorThatDoesNotReadIsAnError(t *testing.T) {
	listen(t, filepath.Join(t.TempDir(), "notify"))
	began := time.Now()
	for i := range 100_000 {
		if err := systemd.Alive(); err != nil {
			if took := time.Since(began); !errors.Is(err, os.ErrDeadlineExceeded) || took > 30*time.Second {
				t.Errorf("notification %d: %v after %v", i, err, took)
			}
			return
		}
	}
	t.Error("the queue takes any number of notifications")
}

func TestWatchdogIsThatOfThisProcess(t *testing.T) {
	own, other := fmt.Sprint(os.Getpid()), fmt.Sprint(os.Getpid()+1)
	for _, test := range []struct {
		usec, pid string
		want      time.Duration
		fails     bool
	}{
		{"", "", 0, false},
		{"", own, 0, false},
		{"30000000", "", 30 * time.Second, false},
		{"1500", own, 1500 * time.Microsecond, false},
		{"30000000", other, 0, false},
		{"0", own, 0, true},
		{"-1", own, 0, true},
		{"30s", own, 0, true},
		{"18446744073709551615", own, 0, true},
	} {
		t.Setenv("WATCHDOG_USEC", test.usec)
		t.Setenv("WATCHDOG_PID", test.pid)
		if got, err := systemd.Watchdog(); got != test.want || (err != nil) != test.fails {
			t.Errorf("%q of %q: got %v, %v", test.usec, test.pid, got, err)
		}
	}
}
