package load_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"lsapi/bench/internal/load"
)

// steady sends 100 requests to handler in half a second.
func steady(t *testing.T, connections int, handler http.HandlerFunc) load.SteadyResult {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return load.Steady{
		PerSecond: 200, Duration: 500 * time.Millisecond, Connections: connections,
		Request: func(ctx context.Context, _ int) (*http.Request, error) {
			return http.NewRequestWithContext(ctx, http.MethodGet, server.URL, http.NoBody)
		},
	}.Run(t.Context())
}

func TestSteadyCountsEveryRequest(t *testing.T) {
	var sent atomic.Int64
	result := steady(t, 4, func(w http.ResponseWriter, _ *http.Request) {
		switch n := sent.Add(1); {
		case n <= 10:
			w.WriteHeader(http.StatusServiceUnavailable)
		case n <= 15:
			panic(http.ErrAbortHandler)
		}
	})
	if len(result.Latencies)+result.Errors != 100 {
		t.Errorf("%d answers and %d errors, want 100 in all", len(result.Latencies), result.Errors)
	}
	if result.Statuses[http.StatusServiceUnavailable] != 10 || result.Errors == 0 {
		t.Errorf("got %v and %d errors", result.Statuses, result.Errors)
	}
	if result.Succeeded()+result.Failed() != 100 || result.Failed() != 10+result.Errors {
		t.Errorf("%d succeeded, %d failed", result.Succeeded(), result.Failed())
	}
}

func TestSteadyLatencyIncludesWaitForConnection(t *testing.T) {
	const pause = 200 * time.Millisecond
	var first atomic.Bool
	result := steady(t, 1, func(http.ResponseWriter, *http.Request) {
		if first.CompareAndSwap(false, true) {
			time.Sleep(pause) // all requests that are due meanwhile wait
		}
	})
	if got := result.Latencies.Percentile(0.75); got < pause/4 {
		t.Errorf("p75 is %v although the only connection was busy for %v", got, pause)
	}
}
