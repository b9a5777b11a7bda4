package cli

import (
	"context"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// runner is a service whose stop takes time.
type runner struct {
	takes   time.Duration
	stopped atomic.Bool
}

func (*runner) Failed() <-chan error { return nil }

func (r *runner) Stop(ctx context.Context) error {
	select {
	case <-time.After(r.takes):
		r.stopped.Store(true)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// runWith runs a service, delivers signals at times after the start, and returns the
// error.
func runWith(t *testing.T, r *runner, reload func(), delivered map[time.Duration]os.Signal) error {
	t.Helper()
	s := newSignals()
	defer s.end()
	for after, signal := range delivered {
		time.AfterFunc(after, func() {
			if signal == syscall.SIGHUP {
				s.hangup <- signal
			} else {
				s.caught <- signal
			}
		})
	}
	return s.runUntilStopped(t.Context(), r, time.Minute, reload)
}

func TestSignalMoreThanASecondAfterFirstForcesStop(t *testing.T) {
	for name, test := range map[string]struct {
		later map[time.Duration]os.Signal // after the first, SIGTERM
		force bool
	}{
		"one":                    {nil, false},
		"two at once":            {map[time.Duration]os.Signal{0: os.Interrupt}, false},
		"two within a second":    {map[time.Duration]os.Signal{999 * time.Millisecond: syscall.SIGTERM}, false},
		"three within a second":  {map[time.Duration]os.Signal{0: os.Interrupt, time.Millisecond: syscall.SIGTERM}, false},
		"one later":              {map[time.Duration]os.Signal{1001 * time.Millisecond: syscall.SIGTERM}, true},
		"one at once, one later": {map[time.Duration]os.Signal{0: os.Interrupt, 5 * time.Second: os.Interrupt}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &runner{takes: 10 * time.Second}
				delivered := map[time.Duration]os.Signal{time.Hour: syscall.SIGTERM}
				for after, signal := range test.later {
					delivered[time.Hour+after+1] = signal
				}
				err := runWith(t, r, nil, delivered)
				if forced := err != nil && strings.Contains(err.Error(), "second signal"); forced != test.force || r.stopped.Load() == test.force {
					t.Errorf("the error is %v, stopped gracefully: %t", err, r.stopped.Load())
				}
				time.Sleep(time.Minute) // the rest of the stop
			})
		})
	}
}

func TestSIGHUPReloadsOrStops(t *testing.T) {
	for name, reloads := range map[string]bool{"with files to reload": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				count := 0
				reload := func() { count++ }
				if !reloads {
					reload = nil
				}
				began := time.Now()
				delivered := map[time.Duration]os.Signal{time.Hour: syscall.SIGHUP, 2 * time.Hour: syscall.SIGHUP, 3 * time.Hour: syscall.SIGTERM}
				if err := runWith(t, &runner{}, reload, delivered); err != nil {
					t.Fatal(err)
				}
				if ran := time.Since(began); reloads && (count != 2 || ran != 3*time.Hour) || !reloads && ran != time.Hour {
					t.Errorf("it reloaded %d times and ran %v", count, ran)
				}
				time.Sleep(3 * time.Hour)
			})
		})
	}
}

func TestFirstSignalCancelsStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSignals()
		defer s.end()
		ctx, cancel := s.untilStop(t.Context())
		defer cancel()
		s.caught <- syscall.SIGTERM
		<-ctx.Done()
		if err := s.unlessStopped(ctx.Err()); err != nil {
			t.Error(err)
		}
	})
}
