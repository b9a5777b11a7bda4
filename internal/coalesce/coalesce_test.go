package coalesce_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"lsapi"
	"lsapi/internal/background"
	"lsapi/internal/coalesce"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// latency is the duration of a call.
const latency = 100 * time.Millisecond

// group is a Group whose calls return when they began, by key.
type group struct {
	*coalesce.Group[string, time.Time]
	t    *testing.T
	work *background.Group

	mu      sync.Mutex
	calls   [][]string
	cut     int   // calls that ended with their context
	hangs   int   // the number of next calls that end with their context only
	fail    error // of all calls, or of those for failing
	failing string
	absent  string        // a key without a value
	open    int           // calls in progress
	most    int           // the maximum of open
	takes   time.Duration // of a call
}

// inBubble runs a test with a Group on a clock of its own, and closes the Group.
func inBubble(t *testing.T, o coalesce.Options, test func(t *testing.T, g *group)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if o.Timeout == 0 {
			o.Timeout = time.Second
		}
		g := &group{t: t, work: background.New(), takes: latency}
		g.Group = coalesce.New(g.work, o, g.call)
		test(t, g)
		if err := g.work.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func (g *group) call(ctx context.Context, keys []string) (map[string]time.Time, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	began, takes := time.Now(), g.takes
	g.calls = append(g.calls, keys)
	g.open++
	g.most = max(g.most, g.open)
	if g.hangs > 0 {
		g.hangs--
		takes = time.Hour
	}
	g.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
	}
	g.mu.Lock()
	g.open--
	if ctx.Err() != nil {
		g.cut++
		return nil, ctx.Err()
	}
	values := make(map[string]time.Time)
	for _, key := range keys {
		if key != g.absent {
			values[key] = began
		}
	}
	if g.fail != nil && g.failing != "" && !slices.Contains(keys, g.failing) {
		return values, nil
	}
	return values, g.fail
}

// wantCalls checks the keys of the calls so far.
func (g *group) wantCalls(want ...string) {
	g.t.Helper()
	synctest.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	got := make([]string, len(g.calls))
	for i, keys := range g.calls {
		got[i] = fmt.Sprint(keys)
	}
	if !slices.Equal(got, want) {
		g.t.Errorf("the calls are %q, want %q", got, want)
	}
}

// callers are concurrent calls of Do.
type callers struct {
	sync.WaitGroup
	*group
}

// do calls Do, waits until it blocks, and checks its result.
func (c *callers) do(ctx context.Context, want lsapi.Code, keys ...string) {
	c.t.Helper()
	called := time.Now()
	c.Go(func() {
		values, err := c.Do(ctx, keys...)
		isMissing := func(key string) bool { return values[key].IsZero() }
		if lsapi.ErrorCode(err) != want || err == nil && slices.ContainsFunc(keys, isMissing) {
			c.t.Errorf("%v got %v, %v, want %q", keys, values, err, want)
		}
		for key, began := range values {
			if began.Before(called) {
				c.t.Errorf("the answer for %s is %v older than its request", key, called.Sub(began))
			}
		}
	})
	synctest.Wait()
}

func TestCallersShareTheNextCallAndNeverOneThatHasBegun(t *testing.T) {
	inBubble(t, coalesce.Options{Calls: 4}, func(t *testing.T, g *group) {
		c := callers{group: g}
		for range 10 {
			c.do(t.Context(), "", "web")
			time.Sleep(time.Millisecond)
		}
		g.wantCalls("[web]")
		began := time.Now()
		c.Wait()
		g.wantCalls("[web]", "[web]")
		if took := time.Since(began); took > 2*latency {
			t.Errorf("they took %v", took)
		}
		c.do(t.Context(), "", "web")
		c.Wait()
		g.wantCalls("[web]", "[web]", "[web]")
	})
}

func TestKeyHasOneCallAtATime(t *testing.T) {
	inBubble(t, coalesce.Options{Calls: 4, Batch: 2}, func(t *testing.T, g *group) {
		c := callers{group: g}
		for range 50 {
			c.do(t.Context(), "", "web")
			time.Sleep(latency / 10)
		}
		c.Wait()
		if g.most != 1 || len(g.calls) > 7 {
			t.Errorf("%d calls, %d of them at once", len(g.calls), g.most)
		}
	})
}

func TestConcurrentCallsAreBoundedAndInOrder(t *testing.T) {
	inBubble(t, coalesce.Options{Calls: 2}, func(t *testing.T, g *group) {
		c := callers{group: g}
		for _, key := range []string{"a", "b", "c", "d", "a", "e"} {
			c.do(t.Context(), "", key)
			time.Sleep(time.Millisecond)
		}
		c.Wait()
		g.wantCalls("[a]", "[b]", "[c]", "[d]", "[e]", "[a]")
		if g.most != 2 {
			t.Errorf("%d calls at once", g.most)
		}
	})
}

func TestWaitingKeysShareACallUpToItsLimit(t *testing.T) {
	inBubble(t, coalesce.Options{Calls: 1, Batch: 3}, func(t *testing.T, g *group) {
		c := callers{group: g}
		c.do(t.Context(), "", "first")
		c.do(t.Context(), "", "a", "b", "a")
		c.do(t.Context(), "", "b", "c", "d")
		c.Wait()
		g.wantCalls("[first]", "[a b c]", "[d]")
	})
}

func TestManyKeysOfOneCallerAreConcurrentCalls(t *testing.T) {
	inBubble(t, coalesce.Options{Calls: 3, Batch: 10}, func(t *testing.T, g *group) {
		keys := make([]string, 25)
		for i := range keys {
			keys[i] = fmt.Sprint(i)
		}
		began := time.Now()
		values, err := g.Do(t.Context(), keys...)
		if err != nil || len(values) != len(keys) || time.Since(began) != latency || len(g.calls) != 3 {
			t.Errorf("%d values, %v, by %d calls in %v", len(values), err, len(g.calls), time.Since(began))
		}
	})
}

func TestKeyWithoutValueIsNoError(t *testing.T) {
	inBubble(t, coalesce.Options{Calls: 1, Batch: 2}, func(t *testing.T, g *group) {
		g.absent = "a"
		if values, err := g.Do(t.Context(), "a", "b"); err != nil || !slices.Equal(slices.Collect(maps.Keys(values)), []string{"b"}) {
			t.Errorf("got %v, %v", values, err)
		}
		if values, err := g.Do(t.Context()); err != nil || len(values) > 0 {
			t.Errorf("without keys got %v, %v", values, err)
		}
	})
}

func TestFailureOfACallIsThatOfAllItsCallers(t *testing.T) {
	inBubble(t, coalesce.Options{Calls: 1, Batch: 2}, func(t *testing.T, g *group) {
		g.fail = lsapi.Errorf(lsapi.CodeUpstream, "AWS failed")
		c := callers{group: g}
		c.do(t.Context(), lsapi.CodeUpstream, "first")
		for _, key := range []string{"a", "a", "b"} {
			c.do(t.Context(), lsapi.CodeUpstream, key)
		}
		c.Wait()
		g.wantCalls("[first]", "[a b]")
		g.fail = nil
		c.do(t.Context(), "", "a")
		c.Wait()
	})
}

func TestFailureOfOneCallLeavesTheValuesOfTheOthers(t *testing.T) {
	inBubble(t, coalesce.Options{Calls: 1}, func(t *testing.T, g *group) {
		g.fail, g.failing, g.absent = errors.New("it failed"), "b", "b"
		values, err := g.Do(t.Context(), "a", "b", "c")
		if !errors.Is(err, g.fail) || len(values) != 2 {
			t.Errorf("got %v, %v", values, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), latency*3/2)
		defer cancel()
		if values, err := g.Do(ctx, "a", "c"); lsapi.ErrorCode(err) != lsapi.CodeTimeout || len(values) != 1 {
			t.Errorf("at its timeout got %v, %v", values, err)
		}
	})
}

func TestTimeoutLeavesTheValuesBehindASlowKey(t *testing.T) {
	inBubble(t, coalesce.Options{Calls: 1}, func(t *testing.T, g *group) {
		c := callers{group: g}
		c.do(t.Context(), "", "slow") // its call is in progress, so that the next one comes last
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), latency*5/2)
		defer cancel()
		if values, err := g.Do(ctx, "slow", "a"); lsapi.ErrorCode(err) != lsapi.CodeTimeout || len(values) != 1 {
			t.Errorf("at its timeout got %v, %v", values, err)
		}
		c.Wait()
	})
}

func TestCallerIsBoundedByItsContextAlone(t *testing.T) {
	inBubble(t, coalesce.Options{Calls: 1}, func(t *testing.T, g *group) {
		c := callers{group: g}
		short, cancel := context.WithTimeout(t.Context(), latency/2)
		defer cancel()
		c.do(short, lsapi.CodeTimeout, "a") // it begins the call
		c.do(short, lsapi.CodeTimeout, "b")
		c.do(t.Context(), "", "b")
		began := time.Now()
		c.Wait()
		if took := time.Since(began); took != 2*latency || g.cut > 0 {
			t.Errorf("they took %v, and %d calls were cut off", took, g.cut)
		}
		g.wantCalls("[a]", "[b]")
	})
}

func TestCallWithoutCallersIsNotMade(t *testing.T) {
	inBubble(t, coalesce.Options{Calls: 1}, func(t *testing.T, g *group) {
		c := callers{group: g}
		c.do(t.Context(), "", "a")
		ctx, cancel := context.WithCancel(t.Context())
		c.do(ctx, lsapi.CodeTimeout, "b")
		c.do(ctx, lsapi.CodeTimeout, "a")
		cancel()
		c.Wait()
		time.Sleep(time.Hour)
		g.wantCalls("[a]")
		c.do(t.Context(), "", "b") // it can be requested again
		c.Wait()
		g.wantCalls("[a]", "[b]")
	})
}

func TestCallIsBoundedByItsTimeout(t *testing.T) {
	inBubble(t, coalesce.Options{Calls: 1, Timeout: time.Second}, func(t *testing.T, g *group) {
		g.hangs = 1
		c := callers{group: g}
		began := time.Now()
		c.do(t.Context(), lsapi.CodeInternal, "a")
		c.do(t.Context(), "", "b")
		c.Wait()
		if took := time.Since(began); took != time.Second+latency || g.cut != 1 {
			t.Errorf("they took %v, and %d calls were cut off", took, g.cut)
		}
	})
}

func TestStartMakesACallWithoutCaller(t *testing.T) {
	inBubble(t, coalesce.Options{Calls: 1}, func(t *testing.T, g *group) {
		g.Start("a")
		synctest.Wait()
		g.Start("b")
		g.Start("b")
		c := callers{group: g}
		c.do(t.Context(), "", "b")
		c.Wait()
		g.wantCalls("[a]", "[b]")
	})
}

func TestTooManyWaitingKeysAreRejected(t *testing.T) {
	inBubble(t, coalesce.Options{Calls: 1, Waiting: 2}, func(t *testing.T, g *group) {
		c := callers{group: g}
		for _, key := range []string{"first", "a", "b", "a"} {
			c.do(t.Context(), "", key)
		}
		if _, err := g.Do(t.Context(), "c"); lsapi.ErrorCode(err) != lsapi.CodeThrottled || lsapi.AsError(err).RetryAfter <= 0 {
			t.Errorf("one more is %v", err)
		}
		g.Start("c")
		c.Wait()
		g.wantCalls("[first]", "[a]", "[b]")
		c.do(t.Context(), "", "c")
		c.Wait()
	})
}

func TestReleaseEndsTheWaitOfEarlierCallersOnly(t *testing.T) {
	inBubble(t, coalesce.Options{Calls: 1}, func(t *testing.T, g *group) {
		c := callers{group: g}
		c.do(t.Context(), "", "first")
		gone := lsapi.Errorf(lsapi.CodeNotFound, "gone")
		for _, key := range []string{"early", "joined", "other", "gone"} {
			c.Go(func() {
				values, err := g.Do(t.Context(), key)
				if (err == nil) == (key == "gone") || key == "early" && len(values) > 0 {
					t.Errorf("%s got %v, %v", key, values, err)
				}
			})
		}
		synctest.Wait()
		time.Sleep(latency / 2)
		began := time.Now()
		time.Sleep(time.Nanosecond)
		c.do(t.Context(), "", "joined")
		c.do(t.Context(), "", "first")
		g.Release(began, func(key string) (bool, error) {
			switch key {
			case "gone":
				return true, gone
			case "early":
				return true, nil
			case "first", "joined":
				t.Errorf("%s has a later caller", key)
			}
			return false, nil
		})
		c.Wait()
		calls := slices.Sorted(slices.Values(slices.Concat(g.calls...)))
		if want := []string{"first", "first", "joined", "other"}; !slices.Equal(calls, want) {
			t.Errorf("the calls are %q, want %q", calls, want)
		}
	})
}

func TestClosedWorkEndsCallsAndWaits(t *testing.T) {
	inBubble(t, coalesce.Options{Calls: 2, Timeout: time.Hour}, func(t *testing.T, g *group) {
		g.hangs = 10
		c := callers{group: g}
		for i := range 10 {
			c.Go(func() {
				if _, err := g.Do(t.Context(), fmt.Sprint(i)); err == nil {
					t.Error("it got an answer")
				}
			})
		}
		synctest.Wait()
		began := time.Now()
		if err := g.work.Close(t.Context()); err != nil {
			t.Error(err)
		}
		c.Wait()
		if _, err := g.Do(t.Context(), "late"); lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
			t.Errorf("a late caller got %v", err)
		}
		if took := time.Since(began); took > 0 || g.cut != 2 || len(g.calls) != 2 {
			t.Errorf("after %v, %d of %d calls were cut off", took, g.cut, len(g.calls))
		}
	})
}

func TestManyCallersAtRandomGetTheirAnswers(t *testing.T) {
	inBubble(t, coalesce.Options{Calls: 3, Batch: 4, Timeout: time.Minute}, func(t *testing.T, g *group) {
		c := callers{group: g}
		for i := range 500 {
			c.Go(func() {
				time.Sleep(time.Duration(i*i%977) * time.Millisecond)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i%7)*latency)
				defer cancel()
				keys := []string{fmt.Sprint(i % 11), fmt.Sprint(i * 7 % 13)}
				called := time.Now()
				values, err := g.Do(ctx, keys...)
				if err != nil && lsapi.ErrorCode(err) != lsapi.CodeTimeout {
					t.Errorf("%v got %v", keys, err)
				}
				for key, began := range values {
					if began.Before(called) || !slices.Contains(keys, key) {
						t.Errorf("%v got %s, %v older than its request", keys, key, called.Sub(began))
					}
				}
			})
		}
		c.Wait()
		if g.most > 3 || slices.ContainsFunc(g.calls, func(keys []string) bool { return len(keys) > 4 }) {
			t.Errorf("%d calls at once, of the keys %v", g.most, g.calls)
		}
		time.Sleep(time.Minute)
		if g.open > 0 {
			t.Errorf("%d calls are in progress", g.open)
		}
	})
}
