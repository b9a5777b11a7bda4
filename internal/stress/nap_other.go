//go:build !linux

package stress

import "time"

const timerLag = 0

func nap(d time.Duration) { time.Sleep(d) }
