package budget_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"lsapi/internal/cloud/budget"
)

// waiting starts calls, each of which waits before the next one starts: the
// bucket is empty, and one token comes back a second.
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
		w.t.Errorf("AWS was asked in the order %q, want %q", got, order)
	}
}

func TestWritesGoBeforeReadersWhoWaitAndThoseBeforeRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := emptied(t)
		w.start(budget.For(t.Context(), budget.Background), "refresh")
		w.start(budget.For(t.Context(), budget.WaitingReader), "reader")
		w.start(budget.For(t.Context(), budget.Write), "write")
		w.expect(1, "first write")
		w.expect(2, "first write reader refresh")
	})
}

func TestWritesThatNeverEndLetTheOthersHaveEveryFourthToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := emptied(t)
		w.start(budget.For(t.Context(), budget.Background), "refresh")
		for range 2 {
			w.start(budget.For(t.Context(), budget.WaitingReader), "reader")
		}
		for range 8 {
			w.start(budget.For(t.Context(), budget.Write), "write")
		}
		w.expect(11, "first write write write refresh write write write reader write write reader")
	})
}

func TestACallWithoutAPurposeIsAReaderWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := emptied(t)
		w.start(budget.For(t.Context(), budget.Background), "refresh")
		w.start(budget.For(t.Context(), budget.WaitingReader), "reader")
		w.start(t.Context(), "plain")
		w.start(budget.For(t.Context(), budget.Write), "write")
		w.expect(4, "first write reader plain refresh")
	})
}

func TestWithinARankTheFirstToComeIsTheFirstToGo(t *testing.T) {
	for _, rank := range []budget.Rank{budget.Background, budget.WaitingReader, budget.Write} {
		synctest.Test(t, func(t *testing.T) {
			w := emptied(t)
			for _, call := range []string{"a", "b", "c", "d"} {
				w.start(budget.For(t.Context(), rank), call)
			}
			w.expect(4, "first a b c d")
		})
	}
}

// Who comes in the instant in which a token does may be there before the timer
// of the bucket has run.
func TestWhoComesTogetherWithATokenDoesNotPassThoseWhoWait(t *testing.T) {
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

func TestAWaitingCallThatIsRaisedMovesUpAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := emptied(t)
		w.start(budget.For(t.Context(), budget.Background), "refresh")
		shared := budget.NewPurpose(budget.Background)
		w.start(shared.Context(t.Context()), "shared")
		w.start(budget.For(t.Context(), budget.WaitingReader), "reader")
		shared.Raise(budget.WaitingReader)
		w.expect(3, "first shared reader refresh")
	})
}

func TestRaisingNeverLowers(t *testing.T) {
	p := budget.NewPurpose(budget.Write)
	p.Raise(budget.Background)
	if p.Rank() != budget.Write {
		t.Errorf("the rank is %v after raising a write to background", p.Rank())
	}
}

func TestThePurposeSurvivesAContextWithoutCancel(t *testing.T) {
	ctx := context.WithoutCancel(budget.For(t.Context(), budget.Write))
	if rank := budget.PurposeOf(ctx).Rank(); rank != budget.Write {
		t.Errorf("the rank is %v, want that of a write", rank)
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
