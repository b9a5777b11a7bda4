// Package systemd reports the state of the process to systemd, or to another supervisor that
// implements sd_notify(3). Without one, it does nothing.
//
// The library for the protocol (go-systemd) writes without a deadline: a supervisor that hangs
// would block the start and the stop.
package systemd

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// maxWrite bounds a notification.
const maxWrite = time.Second

// Ready notifies that the service has started, with a status for people.
func Ready(status string) error { return notify("READY=1", "STATUS="+oneLine(status)) }

// Stopping notifies that the service is stopping, which takes at most the given time. That
// extends a shorter TimeoutStopSec= of the unit.
func Stopping(most time.Duration) error {
	return notify("STOPPING=1", "STATUS=stopping", "EXTEND_TIMEOUT_USEC="+strconv.FormatInt(most.Microseconds(), 10))
}

// Waiting notifies what the start waits for.
func Waiting(why string) error { return notify("STATUS=" + oneLine(why)) }

// Failed notifies why the service does not start, or stops.
func Failed(cause error) error { return notify("STATUS=" + oneLine(cause.Error())) }

// Alive resets the watchdog.
func Alive() error { return notify("WATCHDOG=1") }

// Watchdog returns the time within which Alive must be called again and again: WatchdogSec= of
// the unit. 0 means that nothing watches the process.
func Watchdog() (time.Duration, error) {
	text := os.Getenv("WATCHDOG_USEC")
	if pid := os.Getenv("WATCHDOG_PID"); text == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0, nil
	}
	const most = uint64(1<<63-1) / uint64(time.Microsecond)
	microseconds, err := strconv.ParseUint(text, 10, 64)
	if err != nil || microseconds == 0 || microseconds > most {
		return 0, fmt.Errorf("WATCHDOG_USEC is no positive number of microseconds: %q", text)
	}
	return time.Duration(microseconds) * time.Microsecond, nil
}

// notify sends assignments to the socket of the supervisor.
func notify(assignments ...string) error {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(maxWrite)); err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	if _, err := conn.Write([]byte(strings.Join(assignments, "\n"))); err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	return nil
}

// oneLine replaces line ends, which end an assignment.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
