package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// stoppable runs until Stop or a failure.
type stoppable interface {
	Failed() <-chan error
	Stop(ctx context.Context) error
}

// sameStop is how long after the first signal further ones count as the same. A terminal
// signals the whole process group, and a supervisor may forward the signal again.
const sameStop = time.Second

// signals handles SIGINT, SIGTERM and SIGHUP. It starts before the service does, so that
// no signal is lost.
type signals struct {
	caught  chan os.Signal
	hangup  chan os.Signal // SIGHUP
	stop    chan struct{}  // closed by the first signal
	force   chan os.Signal // the first signal more than sameStop later
	ended   chan struct{}
	ending  bool // the service is stopping: the process is about to end
	watcher sync.WaitGroup
}

// catchSignals catches signals until release. It also ignores SIGPIPE, so that a closed
// output does not end the process with changes in flight.
func catchSignals() *signals {
	s := newSignals()
	signal.Notify(s.caught, os.Interrupt, syscall.SIGTERM)
	signal.Notify(s.hangup, syscall.SIGHUP)
	signal.Ignore(syscall.SIGPIPE)
	return s
}

func newSignals() *signals {
	s := &signals{
		caught: make(chan os.Signal, 2),
		hangup: make(chan os.Signal, 1),
		stop:   make(chan struct{}),
		force:  make(chan os.Signal, 1),
		ended:  make(chan struct{}),
	}
	s.watcher.Go(s.watch)
	return s
}

// watch distinguishes the first signal from the second.
func (s *signals) watch() {
	var first time.Time
	for {
		select {
		case <-s.ended:
			return
		case caught := <-s.caught:
			if first.IsZero() {
				first = time.Now()
				close(s.stop)
			} else if time.Since(first) > sameStop {
				s.force <- caught
				return
			}
		}
	}
}

// release restores the default handling of signals, unless the process is about to end:
// another signal or a closed output must not change its exit status.
func (s *signals) release() {
	if !s.ending {
		signal.Stop(s.caught)
		signal.Stop(s.hangup)
		signal.Reset(syscall.SIGPIPE)
	}
	s.end()
}

// end stops the goroutine of newSignals.
func (s *signals) end() {
	close(s.ended)
	s.watcher.Wait()
}

// untilStop returns a context that ends with the first signal.
func (s *signals) untilStop(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-s.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// unlessStopped returns the error of a start, or nil if a signal stopped the start.
func (s *signals) unlessStopped(err error) error {
	select {
	case <-s.stop:
		s.ending = true
		return nil
	default:
		return err
	}
}

// runUntilStopped waits for a signal or a failure, then stops the service within grace.
// A second signal cuts the stop short. SIGHUP calls reload, or stops the service if reload
// is nil.
func (s *signals) runUntilStopped(ctx context.Context, running stoppable, grace time.Duration, reload func()) error {
	failure := s.wait(ctx, running, reload)
	s.ending = true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- running.Stop(ctx) }()
	select {
	case err := <-stopped:
		if err != nil {
			failure = errors.Join(failure, fmt.Errorf("stopped before everything had finished: %w", err))
		}
	case second := <-s.force:
		failure = fmt.Errorf("stopped immediately by a second signal (%v): requests in flight were cut off", second)
	}
	if failure == nil {
		return nil
	}
	return stoppedError{failure}
}

// wait returns nil on a signal to stop, or the error of a service that failed.
func (s *signals) wait(ctx context.Context, running stoppable, reload func()) error {
	for {
		select {
		case <-s.stop:
			return nil
		case <-ctx.Done():
			return nil
		case failure := <-running.Failed():
			return failure
		case <-s.hangup:
			if reload == nil {
				return nil
			}
			reload()
		}
	}
}

// stoppedError marks the error of a stopped service, whose process must end soon even if
// its output is blocked.
type stoppedError struct{ error }

func (e stoppedError) Unwrap() error { return e.error }

// untilSignalled returns a context that ends with the first signal. A second signal ends
// the process.
func untilSignalled(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, release := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, release)
	return ctx, release
}
