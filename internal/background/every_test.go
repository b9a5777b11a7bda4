package background_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"lsapi/internal/background"
)

func TestEveryCallsAtIntervalsUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		began, calls := time.Now(), 0
		background.Every(ctx, time.Second, func() {
			if calls++; time.Since(began) != time.Duration(calls)*time.Second {
				t.Errorf("call %d is after %v", calls, time.Since(began))
			}
		})
		if calls != 3 || time.Since(began) != 3500*time.Millisecond {
			t.Errorf("%d calls in %v", calls, time.Since(began))
		}
	})
}
