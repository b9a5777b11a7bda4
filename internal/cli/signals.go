package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// service is what runs until it is told to stop, or fails.
type service interface {
	Failed() <-chan error
	Stop(ctx context.Context) error
}

// signals are the ones that stop lsapi. They are caught before the start, so
// that one which arrives during it is not lost.
type signals chan os.Signal

func catchSignals() signals {
	s := make(signals, 2)
	signal.Notify(s, os.Interrupt, syscall.SIGTERM)
	return s
}

func (s signals) release() { signal.Stop(s) }

// runUntilStopped waits for a signal or a failure, then stops the service, which
// may take as long as grace. A second signal ends the wait.
func (s signals) runUntilStopped(ctx context.Context, running service, grace time.Duration) error {
	var failure error
	select {
	case <-s:
	case <-ctx.Done():
	case failure = <-running.Failed():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- running.Stop(ctx) }()
	select {
	case err := <-stopped:
		return errors.Join(failure, unfinished(err))
	case second := <-s:
		return fmt.Errorf("stopped at once by a second signal (%v): what was under way is cut off", second)
	}
}

// unfinished tells what a stop that ran out of time has cut off.
func unfinished(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("stopped before everything had finished: %w", err)
}

// untilSignalled returns a context that ends with the first signal, for commands
// that have nothing to finish. A second one ends the process, whatever it hangs in.
func untilSignalled(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, release := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, release)
	return ctx, release
}
