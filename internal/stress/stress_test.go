package stress_test

import (
	"bytes"
	"context"
	"encoding/json"
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

// serve serves one page, and returns its URL.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func options(url string) stress.Options {
	return stress.Options{URL: url, Steps: []int{4}, Duration: 400 * time.Millisecond, Timeout: 5 * time.Second}
}

func TestAClosedLoopKeepsItsConnectionsBusy(t *testing.T) {
	var open, most atomic.Int64
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Try") != "yes" {
			w.WriteHeader(http.StatusBadRequest)
		}
		for now := open.Add(1); ; {
			seen := most.Load()
			if now <= seen || most.CompareAndSwap(seen, now) {
				break
			}
		}
		defer open.Add(-1)
		time.Sleep(5 * time.Millisecond) // what a request costs
		_, _ = w.Write([]byte("ten bytes\n"))
	})
	o := options(url)
	o.Header = http.Header{"X-Try": {"yes"}}
	report := stress.Run(t.Context(), o)
	step := report.Steps[0]
	if step.Requests == 0 || step.Failed > 0 || step.Statuses["200"] != step.Requests || step.Bytes != int64(10*step.Requests) {
		t.Errorf("the step is %+v", step)
	}
	if most.Load() != 4 {
		t.Errorf("%d requests at a time, of 4 connections", most.Load())
	}
	if step.Latency.P50 < 5 || step.Latency.P99 < step.Latency.P50 || step.Latency.Max < step.Latency.P99 || step.Corrected.P50 < step.Latency.P50 {
		t.Errorf("latencies %+v, corrected %+v", step.Latency, step.Corrected)
	}
	if most := 4 / 0.005; step.Throughput <= 0 || step.Throughput > most {
		t.Errorf("%f requests/s, where %f are possible", step.Throughput, most)
	}
	if !report.Answered() || report.Interrupted {
		t.Errorf("the report is %+v", report)
	}
}

// A service that stalls for half of the time answers most requests at once: only
// from when they were due does that show.
func TestAStallShowsInWhatWasDueMeanwhile(t *testing.T) {
	began := time.Now()
	url := serve(t, func(http.ResponseWriter, *http.Request) {
		if since := time.Since(began); since < 600*time.Millisecond {
			time.Sleep(600*time.Millisecond - since) // the stall
		}
	})
	for name, rate := range map[string]int{"constant rate": 100, "closed loop": 0} {
		t.Run(name, func(t *testing.T) {
			began = time.Now()
			o := options(url)
			o.Rate, o.Steps, o.Duration = rate, []int{1}, time.Second
			step := stress.Run(t.Context(), o).Steps[0]
			if step.Corrected.P90 < 100 || step.Corrected.Max < 500 || step.Corrected.P90 < step.Latency.P90 {
				t.Errorf("the stall is hidden: measured %+v, corrected %+v", step.Latency, step.Corrected)
			}
		})
	}
}

func TestAConstantRateIsKept(t *testing.T) {
	url := serve(t, func(http.ResponseWriter, *http.Request) {})
	o := options(url)
	o.Rate, o.Duration = 50, time.Second
	if step := stress.Run(t.Context(), o).Steps[0]; step.Requests < 45 || step.Requests > 51 {
		t.Errorf("%d requests in a second at a rate of 50", step.Requests)
	}
}

func TestFailuresAreCountedByWhatTheyAre(t *testing.T) {
	var count atomic.Int64
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if count.Add(1)%2 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	step := stress.Run(t.Context(), options(url)).Steps[0]
	if step.Failed == 0 || step.Errors["503 Service Unavailable"] != step.Failed || step.Statuses["503"] != step.Failed || step.Statuses["200"]+step.Failed != step.Requests {
		t.Errorf("the step is %+v", step)
	}
	server := httptest.NewServer(nil)
	server.Close()
	report := stress.Run(t.Context(), options(server.URL))
	if step := report.Steps[0]; step.Failed == 0 || step.Failed != step.Requests || step.Errors["connection refused"] != step.Failed || report.Answered() {
		t.Errorf("nobody listens, and the step is %+v", step)
	}
}

func TestAnAnswerThatDoesNotComeIsATimeout(t *testing.T) {
	release := make(chan struct{})
	url := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	o := options(url)
	o.Timeout = 100 * time.Millisecond
	step := stress.Run(t.Context(), o).Steps[0]
	close(release)
	if step.Failed == 0 || step.Errors["timeout"] != step.Failed {
		t.Errorf("the step is %+v", step)
	}
}

func TestAnInterruptedRunReportsWhatThereWas(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var count atomic.Int64
	url := serve(t, func(http.ResponseWriter, *http.Request) {
		if count.Add(1) == 10 {
			cancel()
		}
	})
	o := options(url)
	o.Duration, o.Steps = time.Hour, []int{2, 4}
	report := stress.Run(ctx, o)
	if !report.Interrupted || len(report.Steps) != 1 || report.Steps[0].Requests < 10 || report.Steps[0].Failed > 0 {
		t.Errorf("the report is %+v", report)
	}
}

func TestTheKneeIsTheFewestConnectionsThatDoNearlyAll(t *testing.T) {
	for name, test := range map[string]struct {
		throughputs map[int]float64 // by connections
		knee        int
	}{
		"a knee":          {map[int]float64{1: 500, 2: 950, 4: 1000, 8: 990}, 2},
		"more is better":  {map[int]float64{1: 100, 2: 200, 4: 400}, 4},
		"more is worse":   {map[int]float64{1: 400, 2: 300, 4: 100}, 1},
		"too few to tell": {map[int]float64{1: 100, 2: 200}, 0},
		"nothing at all":  {map[int]float64{1: 0, 2: 0, 4: 0}, 0},
	} {
		var steps []stress.Step
		for connections, throughput := range test.throughputs {
			steps = append(steps, stress.Step{Connections: connections, Throughput: throughput})
		}
		if got := stress.Knee(steps); got != test.knee {
			t.Errorf("%s: it is %d, want %d", name, got, test.knee)
		}
	}
}

func TestTheSurgeQueueIsToldBySeconds(t *testing.T) {
	url := serve(t, func(http.ResponseWriter, *http.Request) {})
	o := options(url)
	o.Duration = 2500 * time.Millisecond
	var looks atomic.Int64
	o.Queue = func(context.Context) (stress.Queue, error) {
		if looks.Add(1) == 3 {
			return stress.Queue{Waiting: 700, Spillover: 1005}, nil
		}
		return stress.Queue{Waiting: 1, Spillover: 1000 + min(5, 5*(looks.Load()/3))}, nil
	}
	var told atomic.Int64
	o.Progress = func(_ stress.Step, now stress.Second) {
		if now.Waiting != nil {
			told.Add(1)
		}
	}
	report := stress.Run(t.Context(), o)
	longest, last := 0, report.Steps[0].Seconds[len(report.Steps[0].Seconds)-1]
	for _, s := range report.Steps[0].Seconds {
		if s.Waiting != nil {
			longest = max(longest, *s.Waiting)
		}
	}
	if longest != 700 || told.Load() == 0 || last.Spillover == nil || *last.Spillover > 5 {
		t.Errorf("the longest is %d, told %d times, in the end %+v", longest, told.Load(), last)
	}
	var text strings.Builder
	if err := report.WriteText(&text); err != nil || !strings.Contains(text.String(), "surge queue: 700 at most") {
		t.Errorf("the summary is %s, %v", text.String(), err)
	}
}

func TestTheReportAsHTMLHoldsItsFiguresAndNoMarkupOfOthers(t *testing.T) {
	report := stress.Report{
		URL:   "http://127.0.0.1/</script><script>alert(1)</script>",
		Steps: []stress.Step{{Connections: 12, Requests: 7, Errors: map[string]int{"<b>": 1}}},
	}
	var page bytes.Buffer
	if err := report.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	html := page.String()
	if strings.Contains(html, "alert(1)</script>") || strings.Contains(html, "<b>") {
		t.Error("a value has become markup")
	}
	if strings.Contains(html, "{{") {
		t.Error("a part of the page is missing")
	}
	for _, outside := range []string{`src="`, `href="`, "@import", "url("} {
		if strings.Contains(html, outside) {
			t.Errorf("it loads something: %s", outside)
		}
	}
	_, data, _ := strings.Cut(html, `id="data">`)
	data, _, _ = strings.Cut(data, "</script>")
	var again stress.Report
	if err := json.Unmarshal([]byte(data), &again); err != nil || again.URL != report.URL || again.Steps[0].Requests != 7 {
		t.Errorf("it holds %+v, %v", again, err)
	}
}
