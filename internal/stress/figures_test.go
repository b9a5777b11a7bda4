package stress_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"lsapi/internal/stress"
)

// all returns the figures of a latency by name.
func all(l stress.Latency) map[string]float64 {
	return map[string]float64{"p50": l.P50, "p90": l.P90, "p99": l.P99, "p99.9": l.P999, "max": l.Max, "mean": l.Mean}
}

// wantFigures compares the figures of a latency with durations.
func wantFigures(t *testing.T, kind string, got stress.Latency, want map[string]time.Duration) {
	t.Helper()
	for name, figure := range all(got) {
		if d, given := want[name]; given && !near(figure, d) {
			t.Errorf("%s %s is %f ms, want %v", kind, name, figure, d)
		}
	}
}

// only is a latency of which every figure is d.
func only(d time.Duration) map[string]time.Duration {
	return map[string]time.Duration{"p50": d, "p90": d, "p99": d, "p99.9": d, "max": d, "mean": d}
}

func TestCorrectedLatencyEqualsServiceTimeAtAnyRate(t *testing.T) {
	for _, rate := range []int{1, 3, 10, 100, 1000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			virtually(t, takes(5*time.Millisecond), func(t *testing.T, o stress.Options) {
				o.Rate, o.Steps, o.Duration = rate, []int{12}, 3*time.Second
				if rate > 10 {
					o.Duration = 500 * time.Millisecond
				}
				step := run(t, o).Steps[0]
				wantFigures(t, "measured", step.Latency, only(5*time.Millisecond))
				wantFigures(t, "corrected", step.Corrected, only(5*time.Millisecond))
				for _, second := range step.Seconds {
					wantFigures(t, fmt.Sprintf("until second %.1f", second.At), *second.Latency, only(5*time.Millisecond))
				}
				if want := int(o.Duration.Seconds() * float64(rate)); step.Requests != want || step.Failed > 0 || step.Unsent > 0 {
					t.Errorf("%d requests, %d failed, %d not sent; want %d", step.Requests, step.Failed, step.Unsent, want)
				}
				if step.Opened > 12 {
					t.Errorf("%d connections were opened, of 12", step.Opened)
				}
				if step.Throughput < 0.98*float64(rate) || step.Throughput > float64(rate) {
					t.Errorf("%f requests/s", step.Throughput)
				}
			})
		})
	}
}

func TestClosedLoopKeepsItsConnectionsBusy(t *testing.T) {
	var open, most atomic.Int64
	handler := func(w http.ResponseWriter, _ *http.Request) {
		if now := open.Add(1); now > most.Load() {
			most.Store(now)
		}
		defer open.Add(-1)
		time.Sleep(5 * time.Millisecond)
		_, _ = w.Write([]byte("ten bytes\n"))
	}
	virtually(t, handler, func(t *testing.T, o stress.Options) {
		o.Duration = 500 * time.Millisecond
		report := run(t, o)
		step := report.Steps[0]
		wantFigures(t, "measured", step.Latency, only(5*time.Millisecond))
		wantFigures(t, "corrected", step.Corrected, only(5*time.Millisecond))
		if step.Requests != 400 || step.Statuses["200"] != 400 || step.Failed > 0 || step.Bytes != 4000 {
			t.Errorf("%d requests, statuses %v, %d bytes", step.Requests, step.Statuses, step.Bytes)
		}
		if step.Took != 0.5 || step.Throughput != 800 {
			t.Errorf("%f requests/s in %f s, want 800 in 0.5", step.Throughput, step.Took)
		}
		if most.Load() != 4 || step.Opened != 4 || step.Resent > 0 {
			t.Errorf("%d requests at a time over %d connections, %d sent again", most.Load(), step.Opened, step.Resent)
		}
		if !report.Answered() || report.Interrupted {
			t.Errorf("the report is %+v", report)
		}
	})
}

func TestRunEndsWithinOneAnswerOfItsDuration(t *testing.T) {
	for name, test := range map[string]struct {
		rate, requests, unsent int
	}{
		"closed loop":   {0, 2, 0},
		"constant rate": {10, 10, 8},
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, takes(2500*time.Millisecond), func(t *testing.T, o stress.Options) {
				o.Steps, o.Duration, o.Rate = []int{2}, time.Second, test.rate
				began := time.Now()
				step := run(t, o).Steps[0]
				// At the rate, the second request is due after 0.1 s.
				if took := time.Since(began); took < 2500*time.Millisecond || took > 2600*time.Millisecond || step.Took != took.Seconds() {
					t.Errorf("it took %v, by the report %f s", took, step.Took)
				}
				last := step.Seconds[len(step.Seconds)-1]
				if want := test.rate == 0; (last.Latency.P50 > 2000) != want || last.Requests != test.requests {
					t.Errorf("in the end %d requests have the latency %+v", last.Requests, last.Latency)
				}
				if step.Requests != test.requests || step.Unsent != test.unsent || step.Failed != test.unsent || step.Statuses["200"] != 2 {
					t.Errorf("the step is %+v", step)
				}
			})
		})
	}
}

// The answers that come shortly after the last second extend it, with their latencies and
// the surge queue of that time.
func TestSecondsAgreeWithTheWholeStep(t *testing.T) {
	for _, milliseconds := range []int{2010, 2050, 2099, 2101, 2500} {
		end := time.Duration(milliseconds) * time.Millisecond
		t.Run(end.String(), func(t *testing.T) {
			handler := func() http.HandlerFunc {
				began := time.Now()
				return func(http.ResponseWriter, *http.Request) {
					if since := time.Since(began); since < 1900*time.Millisecond {
						time.Sleep(5 * time.Millisecond)
					} else if since < 2*time.Second {
						time.Sleep(end - since)
					}
				}
			}
			synchronously(t, handler, func(t *testing.T, o stress.Options) {
				o.Duration = 2 * time.Second
				began := time.Now()
				o.Queue = func(context.Context) (stress.Queue, error) {
					return stress.Queue{Waiting: 5, Spillover: int64(time.Since(began) / time.Millisecond)}, nil
				}
				step := run(t, o).Steps[0]
				slowest, requests := 0.0, 0
				for _, second := range step.Seconds {
					slowest, requests = max(slowest, second.Latency.Max), requests+second.Requests
				}
				last := step.Seconds[len(step.Seconds)-1]
				if slowest != step.Latency.Max || !near(slowest, end-1900*time.Millisecond) || requests != step.Requests || last.At != step.Took {
					t.Errorf("the seconds have %d requests, the slowest took %v ms, until %v; the step is %+v", requests, slowest, last.At, step)
				}
				if *last.Waiting != 5 || *last.Spillover < 2000 {
					t.Errorf("the last second has %d waiting and %d spilled over", *last.Waiting, *last.Spillover)
				}
			})
		})
	}
}

// Of 1,000 requests a second, a server that takes 20 ms answers 200 over 4 connections.
// The requests that are never sent have waited, too.
func TestUnsentRequestsCountInCorrectedLatency(t *testing.T) {
	virtually(t, takes(20*time.Millisecond), func(t *testing.T, o stress.Options) {
		o.Rate, o.Duration = 1000, 2*time.Second
		step := run(t, o).Steps[0]
		wantFigures(t, "measured", step.Latency, only(20*time.Millisecond))
		if step.Requests != 2000 || step.Statuses["200"] != 400 || step.Unsent != 1600 || step.Errors["not sent: no connection was free"] != 1600 {
			t.Errorf("%d requests, %v, %d not sent, %v", step.Requests, step.Statuses, step.Unsent, step.Errors)
		}
		// Those sent have waited for four fifths of the time at which they were sent, and
		// the others from when they were due until the end.
		if p50, most := step.Corrected.P50, step.Corrected.Max; p50 < 780 || p50 > 820 || most < 1580 || most > 1620 {
			t.Errorf("corrected p50 %f ms, max %f ms", p50, most)
		}
		// In it 200 are sent after 800 to 1,600 ms, and 1,600 have waited up to 1,600 ms.
		if p50 := step.Seconds[1].Latency.P50; p50 < 860 || p50 > 900 {
			t.Errorf("in the second second p50 is %f ms", p50)
		}
		requests, failed := 0, 0
		for _, second := range step.Seconds {
			requests, failed = requests+second.Requests, failed+second.Failed
		}
		if requests != step.Requests || failed != step.Failed || len(step.Seconds) != 2 {
			t.Errorf("%d requests in %d seconds, %d failed", requests, len(step.Seconds), failed)
		}
		if step.Took > 2.02 || step.Throughput < 199 || step.Throughput > 200 {
			t.Errorf("%f requests/s in %f s", step.Throughput, step.Took)
		}
	})
}

// So many requests are never sent that their latencies are rounded in groups.
func TestManyUnsentRequestsAreCountedExactly(t *testing.T) {
	virtually(t, takes(20*time.Millisecond), func(t *testing.T, o stress.Options) {
		o.Rate, o.Duration, o.Steps = 95_123, 1500*time.Millisecond, []int{1}
		step := run(t, o).Steps[0]
		// Due before 1.5 s, of which one is sent every 20 ms.
		if step.Requests != 142_685 || step.Unsent != 142_610 {
			t.Errorf("%d requests, %d not sent", step.Requests, step.Unsent)
		}
		if mean := step.Corrected.Mean; mean < 749.5 || mean > 750.7 {
			t.Errorf("the mean is %f ms, want 750", mean)
		}
	})
}

// A server that pauses for a second answers nearly all requests at once: only the
// corrected latency shows the pause.
func TestCorrectedLatencyShowsAPause(t *testing.T) {
	for name, rate := range map[string]int{"constant rate": 50, "closed loop": 0} {
		t.Run(name, func(t *testing.T) {
			var began time.Time
			pauses := func(http.ResponseWriter, *http.Request) {
				if since := time.Since(began); since >= 4900*time.Millisecond && since < 6100*time.Millisecond {
					time.Sleep(6100*time.Millisecond - since)
				}
				time.Sleep(50 * time.Millisecond)
			}
			virtually(t, pauses, func(t *testing.T, o stress.Options) {
				o.Rate = rate
				began = time.Now()
				step := run(t, o).Steps[0]
				wantFigures(t, "measured", step.Latency, map[string]time.Duration{"p50": 50 * time.Millisecond, "p99": 50 * time.Millisecond})
				if step.Latency.Max < 1190 || step.Latency.Max > 1260 {
					t.Errorf("measured max is %f ms", step.Latency.Max)
				}
				if p99 := step.Corrected.P99; p99 < 1050 || p99 > 1210 {
					t.Errorf("corrected p99 is %f ms", p99)
				}
				if most := step.Corrected.Max; most < 1190 || most > 1260 {
					t.Errorf("corrected max is %f ms", most)
				}
				if p50 := step.Corrected.P50; !near(p50, 50*time.Millisecond) {
					t.Errorf("corrected p50 is %f ms", p50)
				}
				wantFigures(t, "in the end", *step.Seconds[9].Latency, only(50*time.Millisecond))
				// Nothing was answered in the second of the pause: it has no latency.
				for i, second := range step.Seconds {
					if paused := i == 5; (second.Latency == nil) != paused || (second.Requests == 0) != paused {
						t.Errorf("second %d is %+v", i+1, second)
					}
				}
			})
		})
	}
}

// Each of the three slow answers held up nine requests, one every 10 ms, which would have
// taken 95, 85, ... 15 ms.
func TestClosedLoopCorrectsCoordinatedOmission(t *testing.T) {
	var count atomic.Int64
	handler := func(http.ResponseWriter, *http.Request) {
		if count.Add(1) <= 3 {
			time.Sleep(95 * time.Millisecond)
		}
		time.Sleep(10 * time.Millisecond)
	}
	virtually(t, handler, func(t *testing.T, o stress.Options) {
		o.Steps, o.Duration = []int{1}, 485*time.Millisecond
		step := run(t, o).Steps[0]
		if step.Requests != 20 {
			t.Errorf("%d requests", step.Requests)
		}
		wantFigures(t, "measured", step.Latency, map[string]time.Duration{"p50": 10 * time.Millisecond, "p90": 105 * time.Millisecond})
		wantFigures(t, "corrected", step.Corrected, map[string]time.Duration{"p50": 35 * time.Millisecond, "max": 105 * time.Millisecond, "mean": 1970 * time.Millisecond / 47})
	})
}

// The n-th request takes n tenths of a millisecond, so that each percentile is another
// figure.
func TestPercentilesMatchServiceTimes(t *testing.T) {
	var count atomic.Int64
	handler := func(http.ResponseWriter, *http.Request) {
		time.Sleep(time.Duration(count.Add(1)) * 100 * time.Microsecond)
	}
	virtually(t, handler, func(t *testing.T, o stress.Options) {
		o.Rate, o.Steps = 100, []int{12}
		step := run(t, o).Steps[0]
		want := map[string]time.Duration{
			"p50": 50 * time.Millisecond, "p90": 90 * time.Millisecond, "p99": 99 * time.Millisecond, "p99.9": 99_900 * time.Microsecond,
			"max": 100 * time.Millisecond, "mean": 50_050 * time.Microsecond,
		}
		wantFigures(t, "measured", step.Latency, want)
		wantFigures(t, "corrected", step.Corrected, want)
	})
}

func TestPercentilesSeparateTwoServiceTimes(t *testing.T) {
	var count atomic.Int64
	handler := func(http.ResponseWriter, *http.Request) {
		if count.Add(1)%20 == 0 {
			time.Sleep(95 * time.Millisecond)
		}
		time.Sleep(5 * time.Millisecond)
	}
	virtually(t, handler, func(t *testing.T, o stress.Options) {
		o.Rate, o.Duration = 100, 4*time.Second
		step := run(t, o).Steps[0]
		want := map[string]time.Duration{
			"p50": 5 * time.Millisecond, "p90": 5 * time.Millisecond, "p99": 100 * time.Millisecond, "p99.9": 100 * time.Millisecond,
			"max": 100 * time.Millisecond, "mean": 9750 * time.Microsecond,
		}
		wantFigures(t, "measured", step.Latency, want)
		wantFigures(t, "corrected", step.Corrected, want)
	})
}

// The second connection is free while the first waits for the slow answer.
func TestSlowAnswerDelaysNoOtherRequest(t *testing.T) {
	var count atomic.Int64
	handler := func(http.ResponseWriter, *http.Request) {
		if count.Add(1) == 1 {
			time.Sleep(3 * time.Second)
		}
		time.Sleep(5 * time.Millisecond)
	}
	virtually(t, handler, func(t *testing.T, o stress.Options) {
		o.Rate, o.Steps, o.Duration = 100, []int{2}, 4*time.Second
		step := run(t, o).Steps[0]
		wantFigures(t, "corrected", step.Corrected, map[string]time.Duration{"p50": 5 * time.Millisecond, "p99": 5 * time.Millisecond, "max": 3005 * time.Millisecond})
	})
}

func TestLatencyIncludesTheBody(t *testing.T) {
	handler := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("begin"))
		_ = http.NewResponseController(w).Flush()
		time.Sleep(50 * time.Millisecond)
		_, _ = w.Write([]byte("end"))
	}
	virtually(t, handler, func(t *testing.T, o stress.Options) {
		o.Rate = 10
		step := run(t, o).Steps[0]
		wantFigures(t, "measured", step.Latency, only(50*time.Millisecond))
		if step.Bytes != 800 {
			t.Errorf("%d bytes, want 800", step.Bytes)
		}
	})
}

func TestFailuresAreCountedByReason(t *testing.T) {
	var count atomic.Int64
	handler := func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(5 * time.Millisecond)
		switch count.Add(1) % 5 {
		case 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 1:
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("cut off"))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case 2:
			<-r.Context().Done() // until the timeout
		case 3:
			w.WriteHeader(http.StatusFound)
		}
	}
	virtually(t, handler, func(t *testing.T, o stress.Options) {
		o.Rate, o.Steps, o.Timeout = 10, []int{12}, time.Second
		step := run(t, o).Steps[0]
		wantErrors := map[string]int{"503 Service Unavailable": 20, "connection closed": 20, "timeout": 20}
		wantStatuses := map[string]int{"200": 20, "302": 20, "503": 20}
		if !maps.Equal(step.Errors, wantErrors) || !maps.Equal(step.Statuses, wantStatuses) || step.Requests != 100 || step.Failed != 60 {
			t.Errorf("%d of %d failed: %v, statuses %v", step.Failed, step.Requests, step.Errors, step.Statuses)
		}
		wantFigures(t, "measured", step.Latency, map[string]time.Duration{"p50": 5 * time.Millisecond, "max": time.Second})
		if step.Opened <= 12 {
			t.Errorf("%d connections were opened; the server and timeouts close them", step.Opened)
		}
		failed := 0
		for _, second := range step.Seconds {
			failed += second.Failed
		}
		if failed != 60 {
			t.Errorf("%d failed by the second", failed)
		}
	})
}

// net/http sends a request again when the server closes a kept connection instead of
// answering. That is no failure, and no secret.
func TestResentRequestsAreCounted(t *testing.T) {
	var count atomic.Int64
	handler := func(http.ResponseWriter, *http.Request) {
		if count.Add(1)%10 == 0 {
			panic(http.ErrAbortHandler)
		}
	}
	virtually(t, handler, func(t *testing.T, o stress.Options) {
		o.Rate, o.Steps = 10, []int{1}
		step := run(t, o).Steps[0]
		// Of 111 requests at the server, every tenth is closed.
		if step.Requests != 100 || step.Failed > 0 || step.Resent != 11 || step.Opened != 12 {
			t.Errorf("%d requests, %d failed, %d sent again over %d connections", step.Requests, step.Failed, step.Resent, step.Opened)
		}
	})
}

func TestErrorTextsAreBounded(t *testing.T) {
	var count atomic.Int64
	handler := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(400 + count.Add(1)%50)) }
	virtually(t, handler, func(t *testing.T, o stress.Options) {
		o.Rate = 10
		step := run(t, o).Steps[0]
		if len(step.Errors) != 21 || step.Errors["others"] != 60 || step.Failed != 100 {
			t.Errorf("%d errors of %d kinds: %v", step.Failed, len(step.Errors), step.Errors)
		}
	})
}

// serving is a server that serves a few requests at a time.
func serving(at int, d time.Duration) http.HandlerFunc {
	free := make(chan struct{}, at)
	return func(http.ResponseWriter, *http.Request) {
		free <- struct{}{}
		time.Sleep(d)
		<-free
	}
}

func TestKneeIsAtSaturation(t *testing.T) {
	synchronously(t, func() http.HandlerFunc { return serving(4, 10*time.Millisecond) }, func(t *testing.T, o stress.Options) {
		o.Steps, o.Duration = []int{1, 2, 4, 8, 16}, 500*time.Millisecond
		report := run(t, o)
		if report.Knee != 4 {
			t.Errorf("the knee is at %d connections, want 4", report.Knee)
		}
		for i, want := range []struct {
			throughput float64
			latency    time.Duration
		}{{100, 10 * time.Millisecond}, {200, 10 * time.Millisecond}, {400, 10 * time.Millisecond}, {400, 20 * time.Millisecond}, {400, 40 * time.Millisecond}} {
			step := report.Steps[i]
			if step.Connections != o.Steps[i] || step.Throughput < 0.99*want.throughput || step.Throughput > 1.01*want.throughput || !near(step.Latency.P50, want.latency) {
				t.Errorf("with %d connections %f requests/s, p50 %f ms", step.Connections, step.Throughput, step.Latency.P50)
			}
		}
	})
}

func TestKneeIsFewestConnectionsNearHighestThroughput(t *testing.T) {
	for name, test := range map[string]struct {
		throughputs map[int]float64 // by connections
		knee        int
	}{
		"a knee":          {map[int]float64{1: 500, 2: 900, 4: 1000, 8: 990}, 2},
		"just below":      {map[int]float64{1: 500, 2: 899, 4: 1000, 8: 990}, 4},
		"more is better":  {map[int]float64{1: 100, 2: 200, 4: 400}, 4},
		"more is worse":   {map[int]float64{1: 400, 2: 300, 4: 100}, 1},
		"three steps":     {map[int]float64{1: 100, 2: 100, 4: 100}, 1},
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
