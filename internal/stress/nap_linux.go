package stress

import (
	"time"

	"golang.org/x/sys/unix"
)

// timerLag is how late the runtime's timers may be: an idle process waits in epoll_wait,
// whose timeouts are whole milliseconds, rounded up.
const timerLag = 1500 * time.Microsecond

// nap sleeps to within a tenth of a millisecond, or less than d if a signal comes. It
// occupies a thread meanwhile.
func nap(d time.Duration) {
	left := unix.NsecToTimespec(d.Nanoseconds())
	_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &left, nil) // its error is that signal
}
