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
	// maxDelay is how long a line of the access log may wait for others, so that
	// a system call carries many lines. A reader of the log does not notice.
	maxDelay = 100 * time.Millisecond
	// maxShared is how many bytes share a system call: some 300 lines.
	maxShared = 32 << 10
	// maxFlush is how long Flush waits for an output that does not return, such
	// as a full pipe that is not read.
	maxFlush = time.Second
	// maxQueued is how many bytes of the access log are queued for such an output:
	// some 10,000 lines. All other lines are queued up to twice of that.
	maxQueued = 1 << 20
)

var (
	errQueueFull = errors.New("the log is not read, and its queue is full")
	errStalled   = errors.New("the log is not read: its last lines could not be written")
)

// Writer writes a log. Lines are queued, and one goroutine writes them: no caller
// waits for the output, which may block for ever. Lines of the access log share
// system calls; all other lines are written at once, behind the lines before
// them. Lines that do not fit into the queue, and lines that the output fails to
// write, are dropped and counted. Queued lines are lost when the process ends
// without Flush. It is safe for concurrent use.
type Writer struct {
	out     io.Writer
	dropped atomic.Int64

	mu       sync.Mutex    // not held while out is written to
	queue    []byte        // whole lines
	spare    []byte        // for the next queue
	due      bool          // the queue is to be written now
	ended    chan struct{} // closed when the goroutine that writes ends; nil without one
	err      error         // of the last write
	timer    *time.Timer
	reported int64 // how many of the dropped lines were reported
	report   func(lines int64)
}

// NewWriter returns a Writer to out.
func NewWriter(out io.Writer) *Writer {
	return &Writer{out: out, report: func(int64) {}}
}

// Write queues a line to be written at once.
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

// Flush waits until the queue is empty, for at most maxFlush. It returns the
// error of the last write, or one that says that the output does not return.
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

// Dropped returns how many lines were lost.
func (w *Writer) Dropped() int64 { return w.dropped.Load() }

// reportDrops sets the function that reports lost lines. It is called once the
// output can be written to again, and may write to w.
func (w *Writer) reportDrops(report func(lines int64)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report = report
}

// add queues a line, unless the queue holds so much already.
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

// setTimer has the queue written after maxDelay. w.mu must be held.
func (w *Writer) setTimer() {
	if w.timer == nil {
		w.timer = time.AfterFunc(maxDelay, w.writeNow)
		return
	}
	w.timer.Reset(maxDelay)
}

func (w *Writer) writeNow() { w.start() }

// start has the queue written, behind the write that is under way. The channel is
// closed when the queue is empty.
func (w *Writer) start() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.startLocked()
}

// startLocked is start for callers that hold w.mu.
func (w *Writer) startLocked() <-chan struct{} {
	w.due = true
	if w.ended == nil {
		w.ended = make(chan struct{})
		go w.write()
	}
	return w.ended
}

// write writes the queue until it is not due any more.
func (w *Writer) write() {
	written := false // whether the last write succeeded: the output takes lines
	for {
		lines, lost, ok := w.take(written)
		if !ok {
			return
		}
		if lost > 0 {
			w.report(lost) // into the queue: the lines of this write are older than the gap
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

// take empties the queue, and returns how many lines were lost since the last
// report when they can be reported. It returns false, and ends the writing, when
// there is nothing to do.
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

// accessWriter is the end of a Writer at which lines of the access log are queued.
type accessWriter struct{ *Writer }

func (a accessWriter) Write(line []byte) (int, error) {
	a.WriteSoon(line)
	return len(line), nil
}
