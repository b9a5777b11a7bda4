package budget_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"lsapi/internal/cloud/budget"
)

func TestADeadlineEndsAWaitThatWasNeverSentNorRetried(t *testing.T) {
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

func TestATokenThatNobodyTookIsThereForTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := emptied(t)
		ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
		defer cancel()
		w.start(ctx, "late")
		w.start(t.Context(), "next")
		w.expect(1, "first next")
	})
}

func TestATokenThatComesWithTheDeadlineIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := emptied(t)
		deadline := unnoticed{budget.For(t.Context(), budget.Write), time.Now().Add(time.Second)}
		w.start(deadline, "late")
		w.start(t.Context(), "next")
		w.expect(1, "first next")
		if got := w.stats(t, budget.ELBRead); got.GivenUp != 1 || got.Attempts != 2 {
			t.Errorf("got %+v", got)
		}
	})
}

// unnoticed is a context whose end is not noticed before its error is asked for,
// as can happen to any context when something else happens in the same instant.
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

func TestWhoGivesUpHoldsNobodyUp(t *testing.T) {
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

func TestACallThatIsOverBeforeItBeginsDrawsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t, reads(2, 1))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := a.read(ctx, "gone"); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if got := a.budget.Tokens(budget.ELBRead); got != 2 || a.order() != "" {
			t.Errorf("%v tokens are left, sent was %q", got, a.order())
		}
	})
}

func TestNoSignatureGrowsOldInTheQueue(t *testing.T) {
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
