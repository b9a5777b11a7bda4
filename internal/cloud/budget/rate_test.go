package budget_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"lsapi/internal/cloud/budget"
)

// visit is a call of the property test.
type visit struct {
	after    time.Duration // since the previous visit
	level    budget.Level
	raise    bool          // to Write, after half a second
	timeout  time.Duration // 0: none
	throttle bool          // its first attempt is throttled
}

var visits = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) visit {
	milliseconds := func(most int, label string) time.Duration {
		return time.Duration(rapid.IntRange(0, most).Draw(t, label)) * time.Millisecond
	}
	v := visit{
		after:    milliseconds(600, "after"),
		level:    rapid.SampledFrom([]budget.Level{budget.Background, budget.Foreground, budget.Write}).Draw(t, "level"),
		raise:    rapid.Bool().Draw(t, "raise"),
		throttle: rapid.IntRange(0, 5).Draw(t, "throttle") == 0,
	}
	if rapid.Bool().Draw(t, "has timeout") {
		v.timeout = time.Millisecond + milliseconds(3000, "timeout")
	}
	if rapid.IntRange(0, 2).Draw(t, "together") == 0 {
		v.after = 0
	}
	return v
}), 1, 60)

func TestRateIsNeverExceededOverAnyWindow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := budget.Size{
			Burst:     rapid.IntRange(1, 8).Draw(rt, "burst"),
			PerSecond: rapid.Float64Range(0.3, 30).Draw(rt, "rate"),
		}
		plan := visits.Draw(rt, "visits")
		var sent []attempt
		var errs []error
		synctest.Test(t, func(t *testing.T) { sent, errs = run(t, size, plan) })

		for i, err := range errs {
			if err == nil {
				continue
			}
			if _, waited := errors.AsType[*budget.WaitError](err); !waited && !errors.Is(err, context.DeadlineExceeded) || plan[i].timeout == 0 {
				rt.Errorf("visit %d ended with %v", i, err)
			}
		}
		for i, first := range sent {
			for j, last := range sent[i:] {
				window := last.at - first.at
				// Allow for rounding.
				if most := float64(size.Burst) + size.PerSecond*window.Seconds() + 1e-6; float64(j+1) > most {
					rt.Fatalf("%d attempts in %v, at most %v may be", j+1, window, most)
				}
			}
		}
	})
}

// run makes the visits in a bubble and returns the attempts and the errors.
func run(t *testing.T, size budget.Size, plan []visit) ([]attempt, []error) {
	a := newAccount(t, budget.Sizes{budget.ELBRead: size})
	var throttled sync.Map
	a.answer = func(sent attempt) (int, string) {
		if _, is := throttled.LoadAndDelete(sent.call); is {
			return http.StatusBadRequest, "Throttling"
		}
		return 0, ""
	}
	errs := make([]error, len(plan))
	var wg sync.WaitGroup
	for i, v := range plan {
		time.Sleep(v.after)
		call := string(rune('A' + i))
		if v.throttle {
			throttled.Store(call, true)
		}
		wg.Go(func() { errs[i] = v.make(t.Context(), a, call) })
	}
	wg.Wait()
	synctest.Wait()
	if waiting := a.stats(t, budget.ELBRead).Waiting; waiting != 0 {
		t.Errorf("%d still wait", waiting)
	}
	return slices.Clone(a.attempts()), errs
}

func (v visit) make(ctx context.Context, a *account, call string) error {
	priority := budget.NewPriority(v.level)
	ctx = priority.Context(ctx)
	if v.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, v.timeout)
		defer cancel()
	}
	if v.raise {
		defer time.AfterFunc(500*time.Millisecond, func() { priority.Raise(budget.Write) }).Stop()
	}
	return a.read(ctx, call)
}

func TestBusyBucketUsesItsWholeRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t, reads(40, 10))
		for range 140 {
			go func() { _ = a.read(t.Context(), "read") }()
		}
		synctest.Wait()
		if n := len(a.attempts()); n != 40 {
			t.Errorf("%d attempts went out at once, want 40", n)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := len(a.attempts()); n != 140 {
			t.Errorf("%d attempts after ten seconds, want all 140", n)
		}
		got := a.stats(t, budget.ELBRead)
		if got.Attempts != 140 || got.Waits != 100 || got.GivenUp != 0 || got.Waited.Round(time.Second) != 505*time.Second {
			t.Errorf("got %+v", got)
		}
	})
}
