package budget_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"lsapi/internal/cloud/budget"
)

func TestDeadlineEndsAWaitWithoutAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := emptied(t)
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		defer cancel()
		err := w.read(ctx, "late")

		wait, ok := errors.AsType[*budget.WaitError](err)
		if !ok || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		if wait.Category != budget.ELBRead || wait.Waited != 400*time.Millisecond {
			t.Errorf("got %+v", wait)
		}
		if waited := time.Since(w.account.start); waited != wait.Waited {
			t.Errorf("the call ended after %v", waited)
		}
		got := w.stats(t, budget.ELBRead)
		if got.Waits != 1 || got.GivenUp != 1 || got.Attempts != 1 || got.Waiting != 0 || got.Waited != wait.Waited {
			t.Errorf("got %+v", got)
		}
		w.expect(5, "first")
	})
}

func TestTokenOfAnEndedWaitGoesToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := emptied(t)
		ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
		defer cancel()
		w.start(ctx, "late")
		w.start(t.Context(), "next")
		w.expect(1, "first next")
	})
}

func TestTokenThatArrivesAtTheDeadlineIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := emptied(t)
		deadline := unnoticed{at(t.Context(), budget.Write), time.Now().Add(time.Second)}
		w.start(deadline, "late")
		w.start(t.Context(), "next")
		w.expect(1, "first next")
		if got := w.stats(t, budget.ELBRead); got.GivenUp != 1 || got.Attempts != 2 {
			t.Errorf("got %+v", got)
		}
	})
}

// unnoticed is a context whose end shows in Err only, as if something else happened at the
// same moment.
type unnoticed struct {
	context.Context
	deadline time.Time
}

func (unnoticed) Done() <-chan struct{} { return nil }

func (c unnoticed) Err() error {
	if time.Now().Before(c.deadline) {
		return nil
	}
	return context.DeadlineExceeded
}

func TestCancelledWaitsDoNotDelayOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := emptied(t)
		ctx, cancel := context.WithCancel(t.Context())
		for _, call := range []string{"a", "b", "c"} {
			w.start(ctx, call)
		}
		w.start(t.Context(), "d")
		cancel()
		synctest.Wait()
		if got := w.stats(t, budget.ELBRead).Waiting; got != 1 {
			t.Errorf("%d wait, want 1", got)
		}
		w.expect(1, "first d")
	})
}

func TestCancelledCallTakesNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t, reads(2, 1))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := a.read(ctx, "gone"); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if got := a.stats(t, budget.ELBRead).Tokens; got != 2 || a.order() != "" {
			t.Errorf("%v tokens are left, sent was %q", got, a.order())
		}
	})
}

func TestRequestIsSignedAfterTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t, reads(1, 1.0/600)) // AWS takes signatures of up to five minutes
		for range 2 {
			if err := a.read(t.Context(), "read"); err != nil {
				t.Fatal(err)
			}
		}
		if late := a.attempts()[1]; late.at.Round(time.Second) != 10*time.Minute || late.signed != late.at.Truncate(time.Second) {
			t.Errorf("sent after %v with a signature of %v", late.at, late.signed)
		}
	})
}
