package stress_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lsapi/internal/stress"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run makes a load.
func run(t *testing.T, o stress.Options) stress.Report {
	t.Helper()
	report, err := stress.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestRequestsMatchOptions(t *testing.T) {
	var wrong atomic.Int64
	handler := func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != `{"a":1}` || r.Method != http.MethodPut || r.ContentLength != 7 ||
			r.Header.Get("Content-Type") != "application/json" || r.Host != "other.test" || r.Header.Get("Accept-Encoding") != "" || r.URL.RequestURI() != "/x?y=z" {
			wrong.Add(1)
		}
	}
	virtually(t, handler, func(t *testing.T, o stress.Options) {
		o.Rate, o.URL, o.Method, o.Body = 10, "http://server.test/x?y=z", http.MethodPut, []byte(`{"a":1}`)
		o.Header = http.Header{"Content-Type": {"application/json"}, "Host": {"other.test"}}
		report := run(t, o)
		if wrong.Load() > 0 || report.Steps[0].Statuses["200"] != 100 || report.Method != http.MethodPut {
			t.Errorf("%d arrived otherwise; the step is %+v", wrong.Load(), report.Steps[0])
		}
	})
	virtually(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.ContentLength != 0 {
			w.WriteHeader(http.StatusTeapot)
		}
	}, func(t *testing.T, o stress.Options) {
		o.Rate = 1
		if report := run(t, o); report.Steps[0].Failed > 0 || report.Method != http.MethodGet {
			t.Errorf("without a method: %s, %+v", report.Method, report.Steps[0])
		}
	})
}

func TestImpossibleRequestIsAnError(t *testing.T) {
	if _, err := stress.Run(t.Context(), stress.Options{Method: "NO GOOD", URL: "http://server.test/", Steps: []int{1}}); err == nil || !strings.Contains(err.Error(), "NO GOOD") {
		t.Errorf("the error is %v", err)
	}
}

func TestUnreachableServerIsAFailure(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	report := run(t, stress.Options{URL: server.URL, Steps: []int{2}, Rate: 20, Duration: 500 * time.Millisecond, Timeout: 5 * time.Second})
	if step := report.Steps[0]; step.Requests != 10 || step.Errors["connection refused"] != 10 || step.Opened > 0 || report.Answered() {
		t.Errorf("the step is %+v", step)
	}
}

func TestInterruptedRunReportsElapsedTime(t *testing.T) {
	for name, test := range map[string]struct{ rate, requests int }{
		"closed loop": {0, 2 * 8}, "constant rate": {2, 5}, "rarely": {1, 3},
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, takes(300*time.Millisecond), func(t *testing.T, o stress.Options) {
				ctx, cancel := context.WithTimeout(t.Context(), 2250*time.Millisecond)
				defer cancel()
				o.Duration, o.Steps, o.Rate = time.Hour, []int{2, 4}, test.rate
				began := time.Now()
				report, err := stress.Run(ctx, o)
				if err != nil {
					t.Fatal(err)
				}
				step := report.Steps[0]
				if !report.Interrupted || len(report.Steps) != 1 || step.Requests != test.requests || step.Failed > 0 {
					t.Errorf("the report is %+v", report)
				}
				if took := time.Since(began); took > 2550*time.Millisecond || step.Took != took.Seconds() {
					t.Errorf("it took %v, by the report %f s", took, step.Took)
				}
			})
		})
	}
}

func TestInterruptedRunCountsDueRequests(t *testing.T) {
	virtually(t, takes(100*time.Millisecond), func(t *testing.T, o stress.Options) {
		ctx, cancel := context.WithTimeout(t.Context(), 1995*time.Millisecond)
		defer cancel()
		o.Duration, o.Rate, o.Steps = time.Hour, 100, []int{1}
		report, err := stress.Run(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		if step := report.Steps[0]; step.Requests != 200 || step.Statuses["200"] != 20 || step.Unsent != 180 {
			t.Errorf("%d requests, %v, %d not sent", step.Requests, step.Statuses, step.Unsent)
		}
	})
}

func TestInterruptionAfterTheEndAddsNothing(t *testing.T) {
	virtually(t, takes(2500*time.Millisecond), func(t *testing.T, o stress.Options) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		o.Duration, o.Rate, o.Steps = time.Second, 10, []int{1}
		report, err := stress.Run(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		if step := report.Steps[0]; step.Requests != 10 || step.Unsent != 9 || step.Corrected.Max > 2510 {
			t.Errorf("the step is %+v", step)
		}
	})
}

func TestSurgeQueueIsReportedPerSecond(t *testing.T) {
	virtually(t, takes(10*time.Millisecond), func(t *testing.T, o stress.Options) {
		o.Duration = 3 * time.Second
		began := time.Now()
		o.Queue = func(context.Context) (stress.Queue, error) {
			switch since := time.Since(began); {
			case since == 0:
				return stress.Queue{Waiting: 3, Spillover: 1000}, nil
			case since < time.Second:
				return stress.Queue{Waiting: 700 - int(since/time.Millisecond/10), Spillover: 1005}, nil
			case since < 2*time.Second:
				return stress.Queue{}, errors.New("the queue is not known")
			}
			return stress.Queue{Waiting: 1, Spillover: 1007}, nil
		}
		var lines []string
		o.Progress = func(s stress.Step, now stress.Second) { lines = append(lines, stress.ProgressLine(s, now)) }
		report := run(t, o)
		seconds := report.Steps[0].Seconds
		if *seconds[0].Waiting != 690 || *seconds[0].Spillover != 5 {
			t.Errorf("in the first second %d wait, %d spilled over", *seconds[0].Waiting, *seconds[0].Spillover)
		}
		if last := seconds[len(seconds)-1]; *last.Waiting != 1 || *last.Spillover != 7 {
			t.Errorf("in the end %d wait, %d spilled over", *last.Waiting, *last.Spillover)
		}
		if seconds[1].Waiting != nil && *seconds[1].Waiting > 1 {
			t.Errorf("what is not known is %d", *seconds[1].Waiting)
		}
		if !strings.Contains(lines[0], "4 connections    1s  ") || !strings.Contains(lines[0], "p50 10.01ms") || !strings.HasSuffix(lines[0], "failed 0  surge queue 690") {
			t.Errorf("the first line of progress is %q", lines[0])
		}
		var text strings.Builder
		if err := report.WriteText(&text); err != nil || !strings.Contains(text.String(), "surge queue: 690 at most, 7 turned away") {
			t.Errorf("the summary is %s, %v", text.String(), err)
		}
	})
}
