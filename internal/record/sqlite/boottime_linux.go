package sqlite

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// systemBoot returns the id of this boot and the time since it, by the clock of Go's
// monotonic readings.
func systemBoot() (id string, since time.Duration, err error) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", 0, err
	}
	if id = strings.TrimSpace(string(text)); id == "" {
		return "", 0, fmt.Errorf("the id of this boot is empty")
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return "", 0, fmt.Errorf("reading the time since the boot: %w", err)
	}
	return id, time.Duration(now.Nano()), nil
}
