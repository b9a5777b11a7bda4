package telemetry

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxDelay is how long a line of the access log may wait for others, so that
	// a system call carries many lines. Whoever watches the log does not notice.
	maxDelay = 100 * time.Millisecond
	// maxShared is how many bytes share a system call: some 300 lines.
	maxShared = 32 << 10
	// maxStall is how long whoever writes a line waits for a log that nobody
	// reads, such as a full pipe.
	maxStall = time.Second
	// maxWaiting is how many bytes of the access log wait for such a log: some
	// 10,000 lines. All others may wait up to twice of that.
	maxWaiting = 1 << 20
)

var errStalled = errors.New("the log is not being read")

// Writer writes a log. Lines of the access log wait for a moment, so that many
// of them share a system call, and never hold up whoever writes them: when the
// log takes no more, they are dropped and counted. All others are written at
// once, behind what waits. What waits is lost when the process ends without
// Flush: killed, or stopped by force. It is safe for concurrent use.
type Writer struct {
	out     io.Writer
	dropped atomic.Uint64

	mu      sync.Mutex // not held while out is written to
	next    *batch
	due     bool   // next is to be written now
	writing bool   // a goroutine writes
	spare   []byte // for the batch after next
	timer   *time.Timer
}

// batch is what one call writes.
type batch struct {
	text    []byte
	err     error // set before it is written
	written chan struct{}
}

func newBatch(text []byte) *batch { return &batch{text: text, written: make(chan struct{})} }

// NewWriter returns a Writer to out. Flush ends it.
func NewWriter(out io.Writer) *Writer {
	w := &Writer{out: out, next: newBatch(nil)}
	w.timer = time.AfterFunc(maxDelay, func() { w.writeNow() })
	w.timer.Stop()
	return w
}

// Write writes a line at once, and waits for that up to maxStall. A line that is
// not written by then still waits.
func (w *Writer) Write(line []byte) (int, error) {
	if !w.add(line, 2*maxWaiting) {
		return 0, errStalled
	}
	if err := w.writeNow().wait(); err != nil {
		return 0, err
	}
	return len(line), nil
}

// WriteSoon writes a line within maxDelay, if the log takes it.
func (w *Writer) WriteSoon(line []byte) {
	w.add(line, maxWaiting)
}

// Flush writes what waits. The error tells also of a log that is not read.
func (w *Writer) Flush() error { return w.writeNow().wait() }

// Dropped returns how many lines were lost because the log took no more.
func (w *Writer) Dropped() uint64 { return w.dropped.Load() }

// add puts a line into the next batch, unless that holds so much already.
func (w *Writer) add(line []byte, most int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.next.text)+len(line) > most {
		w.dropped.Add(1)
		return false
	}
	if len(w.next.text) == 0 {
		w.timer.Reset(maxDelay)
	}
	w.next.text = append(w.next.text, line...)
	if len(w.next.text) >= maxShared {
		w.start()
	}
	return true
}

// writeNow has the next batch written, and returns it.
func (w *Writer) writeNow() *batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.start()
	return w.next
}

// start lets the next batch be written, behind the one that is. w.mu must be held.
func (w *Writer) start() {
	w.due = true
	if !w.writing {
		w.writing = true
		go w.write()
	}
}

// write writes batches until none is due.
func (w *Writer) write() {
	for b := w.take(); b != nil; b = w.take() {
		if len(b.text) > 0 {
			_, b.err = w.out.Write(b.text)
		}
		close(b.written)
		w.mu.Lock()
		w.spare = b.text[:0]
		w.mu.Unlock()
	}
}

// take removes the next batch, or returns nil and ends the writing.
func (w *Writer) take() *batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.due {
		w.writing = false
		return nil
	}
	b := w.next
	w.next, w.due, w.spare = newBatch(w.spare), false, nil
	w.timer.Stop()
	return b
}

// wait waits until the batch is written.
func (b *batch) wait() error {
	timeout := time.NewTimer(maxStall)
	defer timeout.Stop()
	select {
	case <-b.written:
		return b.err
	case <-timeout.C:
		return errStalled
	}
}

// soon is the end of a Writer at which lines wait.
type soon struct{ *Writer }

func (s soon) Write(line []byte) (int, error) {
	s.WriteSoon(line)
	return len(line), nil
}
