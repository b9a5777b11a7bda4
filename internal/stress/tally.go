package stress

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// tally adds up what becomes of the requests of a step.
type tally struct {
	step    Step
	due     time.Duration // between two requests; 0 in a closed loop
	began   time.Time
	first   time.Time // when the first request was sent
	ended   time.Time // when the last was answered
	whole   *hdrhistogram.Histogram
	onTime  *hdrhistogram.Histogram // from when they were due
	window  *hdrhistogram.Histogram // of the second under way
	current Second
	queued  int64 // spillover at the start
	started bool
}

func newTally(connections, rate int) *tally {
	t := &tally{
		step:  Step{Connections: connections, Statuses: make(map[string]int), Errors: make(map[string]int)},
		whole: newHistogram(), onTime: newHistogram(), window: newHistogram(),
	}
	if rate > 0 {
		t.due = time.Second / time.Duration(rate)
	}
	return t
}

// newHistogram tells latencies apart by three digits, from a microsecond on.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, maxLatency.Microseconds(), 3)
}

// add adds a request that is answered, or has failed.
func (t *tally) add(r *vegeta.Result) {
	end := r.Timestamp.Add(r.Latency)
	if r.Seq == 0 || t.first.IsZero() {
		t.first = r.Timestamp
	}
	if end.After(t.ended) {
		t.ended = end
	}
	t.step.Requests++
	t.step.Bytes += int64(r.BytesIn) //nolint:gosec // no answer is that long
	t.current.Requests++
	if r.Code != 0 {
		t.step.Statuses[fmt.Sprint(r.Code)]++
	}
	if r.Error != "" {
		t.step.Failed++
		t.current.Failed++
		t.step.fail(r)
	}
	record(t.whole, r.Latency)
	shown := r.Latency
	if t.due > 0 {
		shown = end.Sub(t.began.Add(time.Duration(r.Seq) * t.due)) //nolint:gosec // a count of requests
		record(t.onTime, max(shown, r.Latency))
		shown = max(shown, r.Latency)
	}
	record(t.window, shown)
}

// record adds a latency; those beyond what is told apart count as the longest.
func record(h *hdrhistogram.Histogram, latency time.Duration) {
	_ = h.RecordValue(min(max(latency.Microseconds(), 1), maxLatency.Microseconds())) // it is in range
}

// fail counts an error by its text.
func (s *Step) fail(r *vegeta.Result) {
	text := reasonOf(r)
	if _, known := s.Errors[text]; !known && len(s.Errors) >= maxErrorTexts {
		text = "others"
	}
	s.Errors[text]++
}

// reasonOf is why a request failed, without what differs from one to the next.
func reasonOf(r *vegeta.Result) string {
	if r.Code != 0 && http.StatusText(int(r.Code)) != "" && strings.HasPrefix(r.Error, fmt.Sprint(r.Code)) {
		return fmt.Sprintf("%d %s", r.Code, http.StatusText(int(r.Code))) // and not the server's own words
	}
	for _, known := range []string{"connection refused", "connection reset by peer", "Client.Timeout exceeded", "broken pipe", "EOF", "no such host"} {
		if strings.Contains(r.Error, known) {
			return strings.ReplaceAll(known, "Client.Timeout exceeded", "timeout")
		}
	}
	return r.Error
}

// second ends the second under way and returns it.
func (t *tally) second(queue *Queue) Second {
	s := t.current
	s.At = time.Since(t.began).Seconds()
	s.Latency = latencyOf(t.window)
	if queue != nil {
		if !t.started {
			t.queued, t.started = queue.Spillover, true
		}
		s.Waiting = &queue.Waiting
		spilled := queue.Spillover - t.queued
		s.Spillover = &spilled
	}
	t.step.Seconds = append(t.step.Seconds, s)
	t.window.Reset()
	t.current = Second{}
	return s
}

// end returns what became of the whole step.
func (t *tally) end(queue *Queue) Step {
	if len(t.step.Seconds) == 0 || time.Since(t.began).Seconds()-t.step.Seconds[len(t.step.Seconds)-1].At > shortestTold.Seconds() {
		t.second(queue)
	}
	s := t.step
	s.Latency = latencyOf(t.whole)
	if t.due > 0 {
		s.Corrected = latencyOf(t.onTime)
	} else {
		s.Corrected = latencyOf(withOmitted(t.whole))
	}
	if took := t.ended.Sub(t.first); took > 0 {
		s.Took = took.Seconds()
		s.Throughput = float64(s.Requests-s.Failed) / s.Took
	}
	return s
}

// withOmitted adds to the latencies of a closed loop those of the requests that it
// would have sent while it waited for a slow one: each connection one, every median
// latency.
func withOmitted(measured *hdrhistogram.Histogram) *hdrhistogram.Histogram {
	all := hdrhistogram.Import(measured.Export())
	every := measured.ValueAtPercentile(50)
	for _, bar := range measured.Distribution() {
		for missed := bar.To - every; bar.Count > 0 && every > 0 && missed >= every; missed -= every {
			_ = all.RecordValues(missed, bar.Count) // it is below a value that is in range
		}
	}
	return all
}
