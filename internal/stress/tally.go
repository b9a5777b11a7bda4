package stress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// sample is a request and its answer. Times are since the step's start.
type sample struct {
	due    time.Duration // equal to sent in a closed loop
	sent   time.Duration
	ended  time.Duration
	status int // 0: no complete answer
	bytes  int64
	err    error
	resent int // repeated sends over new connections
}

// failure returns the kind of failure, empty for a success.
func (s sample) failure() string {
	switch {
	case s.err != nil:
		return reasonOf(s.err)
	case s.status >= 400:
		return fmt.Sprintf("%d %s", s.status, http.StatusText(s.status)) // without the server's text
	}
	return ""
}

func reasonOf(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "timeout"
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return number.Error() // such as "connection refused"
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "no such host"
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "connection closed"
	}
	return err.Error()
}

// tally adds up the requests of a step. It is safe for concurrent use.
type tally struct {
	mu            sync.Mutex
	step          Step
	ended         time.Duration           // the end of the load or of the last request, if that is later
	measured      *hdrhistogram.Histogram // from sending
	corrected     *hdrhistogram.Histogram // from the due time
	window        *hdrhistogram.Histogram // corrected, of the current second
	lastWindow    *hdrhistogram.Histogram // of the second before
	current       Second
	spilledBefore *int64 // the spillover at the start; nil: not available
}

func newTally(connections int) *tally {
	return &tally{
		step:     Step{Connections: connections, Statuses: make(map[string]int), Errors: make(map[string]int)},
		measured: newHistogram(), corrected: newHistogram(), window: newHistogram(), lastWindow: newHistogram(),
	}
}

// newHistogram has a resolution of three digits, from a microsecond.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, maxLatency.Microseconds(), 3)
}

func (t *tally) opened() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.step.Opened++
}

// add adds a finished request.
func (t *tally) add(s sample) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = max(t.ended, s.ended)
	t.step.Bytes += s.bytes
	t.step.Resent += s.resent
	if s.status != 0 {
		t.step.Statuses[strconv.Itoa(s.status)]++
	}
	t.count(s.failure(), 1)
	record(t.measured, s.ended-s.sent, 1)
	record(t.corrected, s.ended-s.due, 1)
	record(t.window, s.ended-s.due, 1)
}

// unsent adds requests that were due and found no free connection before the end.
func (t *tally) unsent(waited time.Duration, requests int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.step.Unsent += int(requests)
	t.count("not sent: no connection was free", int(requests))
	record(t.corrected, waited, requests)
	record(t.window, waited, requests)
}

// count counts requests with a kind of failure. The caller holds mu.
func (t *tally) count(failure string, requests int) {
	t.step.Requests += requests
	t.current.Requests += requests
	if failure == "" {
		return
	}
	t.step.Failed += requests
	t.current.Failed += requests
	if _, counted := t.step.Errors[failure]; !counted && len(t.step.Errors) >= maxErrorTexts {
		failure = "others"
	}
	t.step.Errors[failure] += requests
}

// record adds a latency, limited to maxLatency.
func record(h *hdrhistogram.Histogram, latency time.Duration, count int64) {
	_ = h.RecordValues(min(max(latency.Microseconds(), 1), maxLatency.Microseconds()), count) // always in range
}

// end sets the end of the load.
func (t *tally) end(at time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = max(t.ended, at)
}

// second ends the current second. It returns the step's counts so far, and the second.
func (t *tally) second(now time.Duration, queue *Queue) (Step, Second) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.current
	s.At = now.Seconds()
	if s.Requests > 0 {
		latency := latencyOf(t.window)
		s.Latency = &latency
	}
	if queue != nil {
		if t.spilledBefore == nil {
			t.spilledBefore = &queue.Spillover
		}
		waiting := queue.Waiting
		if s.Waiting != nil { // of a reopened second
			waiting = max(waiting, *s.Waiting)
		}
		s.Waiting = &waiting
		spilled := queue.Spillover - *t.spilledBefore
		s.Spillover = &spilled
	}
	t.step.Seconds = append(t.step.Seconds, s)
	t.window, t.lastWindow = t.lastWindow, t.window
	t.window.Reset()
	t.current = Second{}
	counts := t.step
	counts.Statuses, counts.Errors, counts.Seconds = nil, nil, nil // still changing
	return counts, s
}

// report returns the figures of the whole step.
func (t *tally) report(now time.Duration, queue *Queue, constantRate bool) Step {
	t.lastSecond(now, queue)
	s := t.step
	s.Latency = latencyOf(t.measured)
	if constantRate {
		s.Corrected = latencyOf(t.corrected)
	} else {
		s.Corrected = latencyOf(withOmitted(t.measured))
	}
	if s.Took = t.ended.Seconds(); s.Took > 0 {
		s.Throughput = float64(s.Requests-s.Failed) / s.Took
	}
	return s
}

// lastSecond ends the rest of a second. A rest of at most minRest extends the second before.
func (t *tally) lastSecond(now time.Duration, queue *Queue) {
	if n := len(t.step.Seconds); n > 0 && now.Seconds()-t.step.Seconds[n-1].At <= minRest.Seconds() {
		t.reopen()
	}
	t.second(now, queue)
}

// reopen merges the second before into the current one.
func (t *tally) reopen() {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.step.Seconds) - 1
	before := t.step.Seconds[n]
	t.step.Seconds = t.step.Seconds[:n]
	before.Requests += t.current.Requests
	before.Failed += t.current.Failed
	t.current = before
	t.window.Merge(t.lastWindow)
}

// withOmitted adds the requests that a closed loop did not send while it waited for a slow
// answer: one per connection in each median latency (coordinated omission).
func withOmitted(measured *hdrhistogram.Histogram) *hdrhistogram.Histogram {
	all := hdrhistogram.Import(measured.Export())
	every := measured.ValueAtPercentile(50)
	for _, bar := range measured.Distribution() {
		for missed := bar.To - every; bar.Count > 0 && every > 0 && missed >= every; missed -= every {
			_ = all.RecordValues(missed, bar.Count) // below a value in range
		}
	}
	return all
}
