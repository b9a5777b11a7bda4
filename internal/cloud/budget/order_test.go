package budget_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"lsapi/internal/cloud/budget"
)

// waiting starts calls one after another, which wait: the bucket is empty, and gains one
// token a second.
type waiting struct {
	*account
	t *testing.T
}

func emptied(t *testing.T) waiting {
	t.Helper()
	w := waiting{newAccount(t, reads(1, 1)), t}
	if err := w.read(t.Context(), "first"); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w waiting) start(ctx context.Context, call string) {
	go func() {
		if err := w.read(ctx, call); err != nil && ctx.Err() == nil {
			w.t.Errorf("%s: %v", call, err)
		}
	}()
	synctest.Wait()
}

func (w waiting) expect(seconds int, order string) {
	w.t.Helper()
	time.Sleep(time.Duration(seconds) * time.Second)
	synctest.Wait()
	if got := w.order(); got != order {
		w.t.Errorf("AWS got the calls in the order %q, want %q", got, order)
	}
}

func TestWritesGoBeforeReadsAndReadsBeforeRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := emptied(t)
		w.start(at(t.Context(), budget.Background), "refresh")
		w.start(at(t.Context(), budget.Foreground), "reader")
		w.start(at(t.Context(), budget.Write), "write")
		w.expect(1, "first write")
		w.expect(2, "first write reader refresh")
	})
}

func TestOldestGetsEveryFourthTokenDespiteWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := emptied(t)
		w.start(at(t.Context(), budget.Background), "refresh")
		for range 2 {
			w.start(at(t.Context(), budget.Foreground), "reader")
		}
		for range 8 {
			w.start(at(t.Context(), budget.Write), "write")
		}
		w.expect(11, "first write write write refresh write write write reader write write reader")
	})
}

func TestCallWithoutPriorityIsForeground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := emptied(t)
		w.start(at(t.Context(), budget.Background), "refresh")
		w.start(at(t.Context(), budget.Foreground), "reader")
		w.start(t.Context(), "plain")
		w.start(at(t.Context(), budget.Write), "write")
		w.expect(4, "first write reader plain refresh")
	})
}

func TestLevelServesInOrderOfArrival(t *testing.T) {
	for _, level := range []budget.Level{budget.Background, budget.Foreground, budget.Write} {
		synctest.Test(t, func(t *testing.T) {
			w := emptied(t)
			for _, call := range []string{"a", "b", "c", "d"} {
				w.start(at(t.Context(), level), call)
			}
			w.expect(4, "first a b c d")
		})
	}
}

// A call that arrives at the same moment as a token may run before the bucket's timer.
func TestArrivalWithATokenDoesNotOvertakeWaiters(t *testing.T) {
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			w := emptied(t)
			go func() {
				time.Sleep(time.Second)
				_ = w.read(t.Context(), "c")
			}()
			synctest.Wait()
			w.start(t.Context(), "a")
			w.start(t.Context(), "b")
			w.expect(3, "first a b c")
		})
	}
}

func TestRaisedPriorityAppliesToAWaitingCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := emptied(t)
		w.start(at(t.Context(), budget.Background), "refresh")
		shared := budget.NewPriority(budget.Background)
		w.start(shared.Context(t.Context()), "shared")
		w.start(at(t.Context(), budget.Foreground), "reader")
		shared.Raise(budget.Foreground)
		w.expect(3, "first shared reader refresh")
	})
}

func TestRaiseNeverLowers(t *testing.T) {
	p := budget.NewPriority(budget.Write)
	p.Raise(budget.Background)
	if p.Level() != budget.Write {
		t.Errorf("the level is %v after raising a write to background", p.Level())
	}
}

func TestPrioritySurvivesWithoutCancel(t *testing.T) {
	ctx := context.WithoutCancel(at(t.Context(), budget.Write))
	if level := budget.PriorityOf(ctx).Level(); level != budget.Write {
		t.Errorf("the level is %v, want that of a write", level)
	}
}

func TestCategoriesDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := emptied(t)
		w.start(t.Context(), "reader")
		if err := w.write(t.Context(), "write"); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(w.account.start); waited != 0 {
			t.Errorf("a write waited %v for a bucket of reads", waited)
		}
		w.expect(1, "first write reader")
	})
}
