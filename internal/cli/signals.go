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

// service is what runs until it is told to stop, or fails.
type service interface {
	Failed() <-chan error
	Stop(ctx context.Context) error
}

// sameStop is how long after the first signal further ones belong to the same
// stop: a supervisor that forwards a signal which the terminal has sent to the
// whole process group delivers it twice.
const sameStop = time.Second

// signals are the ones that stop lsapi, and SIGHUP. They are caught before the
// start, so that one which arrives during it is not lost.
type signals struct {
	caught  chan os.Signal
	hangup  chan os.Signal // SIGHUP
	stop    chan struct{}  // closed by the first signal
	force   chan os.Signal // the first signal that is later than sameStop after that
	ended   chan struct{}
	ending  bool // the service is stopped, or was: the process is about to end
	watcher sync.WaitGroup
}

// catchSignals catches signals until release. It also has a write to an output
// whose reader has gone return an error, instead of ending the process with
// changes under way.
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

// watch tells the first signal from the second.
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

// release ends the catching, unless the process is about to end: a further signal, or
// an output whose reader has gone, must not change the status with which it does.
func (s *signals) release() {
	if !s.ending {
		signal.Stop(s.caught)
		signal.Stop(s.hangup)
		signal.Reset(syscall.SIGPIPE)
	}
	s.end()
}

// end ends the goroutine of newSignals.
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

// unlessStopped returns the error of a start, or nil when a signal has ended the
// start.
func (s *signals) unlessStopped(err error) error {
	select {
	case <-s.stop:
		s.ending = true
		return nil
	default:
		return err
	}
}

// runUntilStopped waits for a signal or a failure, then stops the service, which
// may take as long as grace. A second signal ends the wait. SIGHUP calls reload; it
// is a signal to stop when reload is nil.
func (s *signals) runUntilStopped(ctx context.Context, running service, grace time.Duration, reload func()) error {
	failure := s.wait(ctx, running, reload)
	s.ending = true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- running.Stop(ctx) }()
	select {
	case err := <-stopped:
		return stopError(errors.Join(failure, unfinished(err)))
	case second := <-s.force:
		return stopError(fmt.Errorf("stopped at once by a second signal (%v): what was under way is cut off", second))
	}
}

// wait waits until the service is to be stopped. The error is that of a service
// that has failed.
func (s *signals) wait(ctx context.Context, running service, reload func()) error {
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

// unfinished says what a stop that ran out of time has cut off.
func unfinished(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("stopped before everything had finished: %w", err)
}

// stoppedError is the error of a service that was stopped: the process ends
// within a bound, even if nothing reads its output.
type stoppedError struct{ error }

func (e stoppedError) Unwrap() error { return e.error }

func stopError(err error) error {
	if err == nil {
		return nil
	}
	return stoppedError{err}
}

// untilSignalled returns a context that ends with the first signal, for commands
// that have nothing to finish. A second one ends the process, whatever it hangs in.
func untilSignalled(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, release := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, release)
	return ctx, release
}
