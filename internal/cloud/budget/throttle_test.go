package budget_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"lsapi/internal/cloud/budget"
)

func TestRetriesTakeTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t, reads(10, 0.001))
		a.answer = func(attempt) (int, string) { return http.StatusInternalServerError, "InternalFailure" }
		if err := a.read(t.Context(), "read"); err == nil {
			t.Fatal("a failing AWS gave no error")
		}
		if got := a.stats(t, budget.ELBRead); got.Attempts != 3 || got.Throttles != 0 || got.Tokens < 7 || got.Tokens > 7.01 {
			t.Errorf("got %+v after three attempts on ten tokens", got)
		}
	})
}

func TestRetryWaitsForAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t, reads(1, 0.01))
		a.answer = func(sent attempt) (int, string) {
			if sent.at == 0 {
				return http.StatusInternalServerError, "InternalFailure"
			}
			return 0, ""
		}
		if err := a.read(t.Context(), "read"); err != nil {
			t.Fatal(err)
		}
		if sent := a.attempts(); len(sent) != 2 || sent[1].at.Round(time.Millisecond) != 100*time.Second {
			t.Errorf("sent %+v", sent)
		}
	})
}

func TestThrottleEmptiesTheBucket(t *testing.T) {
	tests := []struct {
		status int
		code   string
		empty  bool
	}{
		{400, "Throttling", true},
		{400, "ThrottlingException", true},
		{503, "RequestLimitExceeded", true},
		{400, "DependencyThrottle", false},
		{400, "AccessDenied", false},
		{200, "", false},
	}
	for _, test := range tests {
		t.Run(test.code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(t, reads(10, 0.001))
				a.answer = func(sent attempt) (int, string) {
					if sent.at > 0 || test.status == 200 {
						return 0, ""
					}
					return test.status, test.code
				}
				go func() { _ = a.read(t.Context(), "read") }()
				synctest.Wait()
				got := a.stats(t, budget.ELBRead)
				if (got.Tokens < 1) != test.empty || (got.Throttles == 1) != test.empty {
					t.Errorf("got %+v", got)
				}
				time.Sleep(time.Hour)
			})
		})
	}
}

func TestEmptiedBucketRefillsAtItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t, reads(10, 2))
		a.answer = func(attempt) (int, string) { return http.StatusBadRequest, "Throttling" }
		_ = a.read(t.Context(), "throttled three times")
		low := a.stats(t, budget.ELBRead).Tokens
		if low < 0 || low >= 1 {
			t.Fatalf("%v tokens are left after a throttle", low)
		}
		time.Sleep(2 * time.Second)
		if got := a.stats(t, budget.ELBRead).Tokens; got < low+3.99 || got > low+4.01 {
			t.Errorf("two seconds brought %v tokens, want 4", got-low)
		}
		time.Sleep(4 * time.Second)
		if got := a.stats(t, budget.ELBRead).Tokens; got != 10 {
			t.Errorf("%v tokens, want a full bucket of 10", got)
		}
	})
}
