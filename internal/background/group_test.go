package background_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lsapi/internal/background"
)

// untilCancelled returns when it is cancelled.
func untilCancelled(ctx context.Context) { <-ctx.Done() }

func TestCloseCancelsAndWaitsForAllGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := background.New()
		ended := 0
		g.Go(func(ctx context.Context) {
			<-ctx.Done()
			time.Sleep(time.Second)
			ended++
		})
		if err := g.Close(t.Context()); err != nil || ended != 1 {
			t.Errorf("Close returned %v with %d of 1 ended", err, ended)
		}
		if g.Context().Err() == nil {
			t.Error("the context goes on")
		}
		if err := g.Close(t.Context()); err != nil {
			t.Errorf("the second Close returned %v", err)
		}
	})
}

func TestGoStartsNothingAfterClose(t *testing.T) {
	for name, end := range map[string]func(*background.Group, context.Context) error{
		"Close": (*background.Group).Close,
		"Drain": (*background.Group).Drain,
	} {
		g := background.New()
		if err := end(g, t.Context()); err != nil {
			t.Errorf("%s returned %v", name, err)
		}
		if g.Go(func(context.Context) { t.Error("it runs") }) {
			t.Errorf("Go started a goroutine after %s", name)
		}
	}
}

func TestCloseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := background.New()
		stuck := make(chan struct{})
		g.Go(func(context.Context) { <-stuck })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := g.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close returned %v", err)
		}
		if took := time.Since(began); took > 1500*time.Millisecond {
			t.Errorf("Close took %v", took)
		}
		close(stuck)
		if err := g.Close(t.Context()); err != nil {
			t.Errorf("the second Close returned %v", err)
		}
	})
}

func TestCloseWithAnEndedContextWaitsForTheGracePeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := background.New()
		g.Go(func(ctx context.Context) { <-ctx.Done(); time.Sleep(10 * time.Millisecond) })
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := g.Close(ended); err != nil {
			t.Errorf("Close returned %v", err)
		}
	})
}

func TestDrainLetsGoroutinesFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := background.New()
		var cancelled error
		g.Go(func(ctx context.Context) {
			time.Sleep(time.Minute)
			cancelled = ctx.Err()
		})
		if err := g.Drain(t.Context()); err != nil || cancelled != nil {
			t.Errorf("Drain returned %v, the goroutine's context %v", err, cancelled)
		}
		if g.Context().Err() == nil {
			t.Error("the context goes on")
		}
	})
}

func TestDrainCancelsWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := background.New()
		g.Go(untilCancelled)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Drain returned %v", err)
		}
	})
}

// Run with -race: a WaitGroup would be reused before its Wait has returned.
func TestGoAndCloseAreSafeForConcurrentUse(t *testing.T) {
	for range 200 {
		g := background.New()
		var callers sync.WaitGroup
		for range 4 {
			callers.Go(func() {
				for range 50 {
					g.Go(untilCancelled)
				}
			})
		}
		if err := g.Close(t.Context()); err != nil {
			t.Error(err)
		}
		callers.Wait()
	}
}
