package telemetry

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxDelay is how long a line of the access log may wait for others to share a
	// system call.
	maxDelay = 100 * time.Millisecond
	// maxShared is how many bytes share a system call: some 300 lines.
	maxShared = 32 << 10
	// maxFlush bounds how long Flush waits for an output that blocks, such as a full
	// pipe.
	maxFlush = time.Second
	// maxQueued bounds the queue for lines of the access log: some 10,000 lines. The
	// bound for all other lines is twice that.
	maxQueued = 1 << 20
)

var (
	errQueueFull = errors.New("the log output is blocked, and the queue is full")
	errStalled   = errors.New("the log output is blocked: the last lines are lost")
)

// Writer writes a log through a queue and one goroutine, so that callers never wait for
// the output, which may block forever. Lines of the access log share system calls; all
// other lines are written immediately, in order. Lines that do not fit into the queue,
// and lines that the output rejects, are dropped and counted. Queued lines are lost if
// the process ends without Flush. It is safe for concurrent use.
type Writer struct {
	out     io.Writer
	dropped atomic.Int64

	mu       sync.Mutex    // not held during writes to out
	queue    []byte        // whole lines
	spare    []byte        // for the next queue
	due      bool          // the queue must be written now
	ended    chan struct{} // closed when the writing goroutine ends; nil if none runs
	err      error         // of the last write
	timer    *time.Timer
	reported int64 // the part of dropped that was reported
	report   func(lines int64)
}

// NewWriter returns a Writer to out.
func NewWriter(out io.Writer) *Writer {
	return &Writer{out: out, report: func(int64) {}}
}

// Write queues a line and starts writing.
func (w *Writer) Write(line []byte) (int, error) {
	if !w.add(line, 2*maxQueued) {
		return 0, errQueueFull
	}
	w.writeNow()
	return len(line), nil
}

// WriteSoon queues a line to be written within maxDelay.
func (w *Writer) WriteSoon(line []byte) {
	w.add(line, maxQueued)
}

// Flush waits until the queue is empty, for at most maxFlush. It returns the error of
// the last write, or an error if the output blocks.
func (w *Writer) Flush() error {
	timeout := time.NewTimer(maxFlush)
	defer timeout.Stop()
	select {
	case <-w.start():
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.err
	case <-timeout.C:
		return errStalled
	}
}

// Dropped returns the number of dropped lines.
func (w *Writer) Dropped() int64 { return w.dropped.Load() }

// reportDrops sets the function that reports dropped lines. It is called when the
// output accepts lines again, and may write to w.
func (w *Writer) reportDrops(report func(lines int64)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report = report
}

// add queues a line unless the queue would exceed most bytes.
func (w *Writer) add(line []byte, most int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue)+len(line) > most {
		w.dropped.Add(1)
		return false
	}
	if len(w.queue) == 0 {
		w.setTimer()
	}
	w.queue = append(w.queue, line...)
	if len(w.queue) >= maxShared {
		w.startLocked()
	}
	return true
}

// setTimer schedules writing after maxDelay. The caller holds w.mu.
func (w *Writer) setTimer() {
	if w.timer == nil {
		w.timer = time.AfterFunc(maxDelay, w.writeNow)
		return
	}
	w.timer.Reset(maxDelay)
}

func (w *Writer) writeNow() { w.start() }

// start starts writing the queue. The channel is closed when the queue is empty.
func (w *Writer) start() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.startLocked()
}

// startLocked is start with w.mu held.
func (w *Writer) startLocked() <-chan struct{} {
	w.due = true
	if w.ended == nil {
		w.ended = make(chan struct{})
		go w.write()
	}
	return w.ended
}

func (w *Writer) write() {
	written := false // whether the last write succeeded
	for {
		lines, lost, ok := w.take(written)
		if !ok {
			return
		}
		if lost > 0 {
			w.report(lost) // into the queue, since the lines of this write precede the gap
		}
		if len(lines) == 0 {
			continue
		}
		n, err := w.out.Write(lines)
		written = err == nil
		if !written {
			w.dropped.Add(int64(bytes.Count(lines[n:], []byte{'\n'})))
		}
		w.mu.Lock()
		w.err, w.spare = err, lines[:0]
		w.mu.Unlock()
	}
}

// take empties the queue. If reportable, it also returns how many lines were lost since
// the last report. If there is nothing to do, it marks the goroutine as ended and
// returns false.
func (w *Writer) take(reportable bool) (lines []byte, lost int64, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if reportable {
		dropped := w.dropped.Load()
		lost, w.reported = dropped-w.reported, dropped
	}
	if !w.due && lost == 0 {
		close(w.ended)
		w.ended = nil
		return nil, 0, false
	}
	lines = w.queue
	w.queue, w.due, w.spare = w.spare, false, nil
	if w.timer != nil {
		w.timer.Stop()
	}
	return lines, lost, true
}

// accessWriter queues lines of the access log.
type accessWriter struct{ *Writer }

func (a accessWriter) Write(line []byte) (int, error) {
	a.WriteSoon(line)
	return len(line), nil
}
