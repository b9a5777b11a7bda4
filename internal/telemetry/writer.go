package telemetry

import (
	"io"
	"sync"
	"time"
)

const (
	// maxDelay is how long a line of the access log may wait for others, so that
	// a system call carries many lines. Whoever watches the log does not notice.
	maxDelay = 100 * time.Millisecond
	// maxBuffered is how many bytes may wait: some 300 lines.
	maxBuffered = 32 << 10
)

// Writer writes a log. Lines of the access log wait for a moment, so that many
// of them share a system call; all others are written at once, behind what
// waits. What waits is lost when the process ends without Flush: killed, or
// stopped by force. It is safe for concurrent use.
type Writer struct {
	out io.Writer

	mu      sync.Mutex
	waiting []byte
	timer   *time.Timer
}

// NewWriter returns a Writer to out. Flush ends it.
func NewWriter(out io.Writer) *Writer {
	w := &Writer{out: out}
	w.timer = time.AfterFunc(maxDelay, func() { _ = w.Flush() }) // a log that cannot be written has nowhere to say so
	w.timer.Stop()
	return w
}

// Write writes a line at once.
func (w *Writer) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.flush(); err != nil {
		return 0, err
	}
	return w.out.Write(line)
}

// WriteSoon writes a line within maxDelay.
func (w *Writer) WriteSoon(line []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		w.timer.Reset(maxDelay)
	}
	w.waiting = append(w.waiting, line...)
	if len(w.waiting) < maxBuffered {
		return nil
	}
	return w.flush()
}

// Flush writes what waits.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flush()
}

func (w *Writer) flush() error {
	if len(w.waiting) == 0 {
		return nil
	}
	w.timer.Stop()
	_, err := w.out.Write(w.waiting)
	w.waiting = w.waiting[:0]
	return err
}

// soon is the end of a Writer at which lines wait.
type soon struct{ *Writer }

func (s soon) Write(line []byte) (int, error) { return len(line), s.WriteSoon(line) }
