package load

import (
	"syscall"
	"time"
)

// sleepUntil wakes within some tens of microseconds. The runtime's timers wait in epoll,
// whose milliseconds would appear as latency.
func sleepUntil(at time.Time) {
	for left := time.Until(at); left > 0; left = time.Until(at) {
		wait := syscall.NsecToTimespec(int64(left))
		_ = syscall.Nanosleep(&wait, nil) // a signal may end it early
	}
}
