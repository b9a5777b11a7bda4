package term

import (
	"fmt"
	"io"
	"sync"

	"lsapi/internal/sanitize"
)

// Lines reports the progress of tasks by a line for each new text, for logs.
type Lines struct {
	w      io.Writer
	prefix string
	names  []string

	mu   sync.Mutex
	last []string // by task
}

// NewLines returns the progress of tasks with these names. Each line begins with prefix.
func NewLines(w io.Writer, prefix string, names []string) *Lines {
	return &Lines{w: w, prefix: prefix, names: names, last: make([]string, len(names))}
}

// Show writes the text of a task, unless it is its last one.
func (l *Lines) Show(i int, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last[i] == text {
		return
	}
	l.last[i] = text
	_, _ = fmt.Fprintf(l.w, "%s%s: %s\n", l.prefix, l.names[i], sanitize.Escape(text)) // progress is no result
}

// Finish writes the result of a task.
func (l *Lines) Finish(i int, result Cell, _ bool) { l.Show(i, result.Text) }

// End does nothing: the lines stay.
func (l *Lines) End() {}
