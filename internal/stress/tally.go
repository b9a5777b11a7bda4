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
	due    time.Duration // in a closed loop, when it was sent
	sent   time.Duration
	ended  time.Duration
	status int // 0: there was no whole answer
	bytes  int64
	err    error
	resent int // how often it was sent again over a new connection
}

// failure returns why the request failed, without what differs from one request to the
// next. Empty: it did not.
func (s sample) failure() string {
	switch {
	case s.err != nil:
		return reasonOf(s.err)
	case s.status >= 400:
		return fmt.Sprintf("%d %s", s.status, http.StatusText(s.status)) // and not the server's own words
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
	ended         time.Duration           // when the load ended, or the last request after it
	measured      *hdrhistogram.Histogram // from when requests were sent
	corrected     *hdrhistogram.Histogram // from when they were due
	window        *hdrhistogram.Histogram // corrected, of the second under way
	current       Second
	spilledBefore *int64 // requests that had spilled over at the start; nil: not known
}

func newTally(connections int) *tally {
	return &tally{
		step:     Step{Connections: connections, Statuses: make(map[string]int), Errors: make(map[string]int)},
		measured: newHistogram(), corrected: newHistogram(), window: newHistogram(),
	}
}

// newHistogram tells latencies apart by three digits, from a microsecond on.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, maxLatency.Microseconds(), 3)
}

// opened counts a connection.
func (t *tally) opened() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.step.Opened++
}

// add adds a request that is answered, or has failed.
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

// unsent adds requests that were due and found no free connection before the end. Their
// callers have waited in vain.
func (t *tally) unsent(waited time.Duration, requests int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.step.Unsent += int(requests)
	t.count("not sent: no connection was free", int(requests))
	record(t.corrected, waited, requests)
	record(t.window, waited, requests)
}

// count counts requests, and why they failed. The caller holds mu.
func (t *tally) count(failure string, requests int) {
	t.step.Requests += requests
	t.current.Requests += requests
	if failure == "" {
		return
	}
	t.step.Failed += requests
	t.current.Failed += requests
	if _, known := t.step.Errors[failure]; !known && len(t.step.Errors) >= maxErrorTexts {
		failure = "others"
	}
	t.step.Errors[failure] += requests
}

// record adds a latency; those beyond what is told apart count as the longest.
func record(h *hdrhistogram.Histogram, latency time.Duration, count int64) {
	_ = h.RecordValues(min(max(latency.Microseconds(), 1), maxLatency.Microseconds()), count) // it is in range
}

// end notes when the load has ended.
func (t *tally) end(at time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = max(t.ended, at)
}

// second ends the second under way. It returns the step's counts until now, and the
// second.
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
		s.Waiting = &queue.Waiting
		spilled := queue.Spillover - *t.spilledBefore
		s.Spillover = &spilled
	}
	t.step.Seconds = append(t.step.Seconds, s)
	t.window.Reset()
	t.current = Second{}
	counts := t.step
	counts.Statuses, counts.Errors, counts.Seconds = nil, nil, nil // they go on
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

// lastSecond ends what is left of a second. Too little of it counts with the second before.
func (t *tally) lastSecond(now time.Duration, queue *Queue) {
	n := len(t.step.Seconds)
	if n == 0 || now.Seconds()-t.step.Seconds[n-1].At > shortestTold.Seconds() {
		t.second(now, queue)
		return
	}
	t.step.Seconds[n-1].Requests += t.current.Requests
	t.step.Seconds[n-1].Failed += t.current.Failed
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
