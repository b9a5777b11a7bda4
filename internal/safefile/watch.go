package safefile

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"lsapi/internal/background"
)

// PollEvery is the interval between polls of a watched file. A poll is one stat. The file is
// read once two polls return the same, so a change is active within 2 s. (Kernel
// notifications miss network file systems, and the swap of a symbolic link above the file.)
const PollEvery = time.Second

// ErrUnreadable marks the error of a file that cannot be read, whatever is in it.
var ErrUnreadable = errors.New("the file cannot be read")

// Watched is a file that a Watcher reads.
type Watched struct {
	Path string
	// Read reads the file and applies its content. It returns whether that differs from what
	// was applied before, and attributes for the log. With an error, nothing is applied;
	// ErrUnreadable in its chain means that a later read of the same file may succeed.
	Read func() (changed bool, attributes []any, err error)
	// Accepted and Rejected are the messages in the log, the first for a change and for the
	// end of a rejection.
	Accepted, Rejected string
	// Problem returns the text of an error for the log.
	Problem func(error) string
	Log     *slog.Logger
}

// Watcher polls a file and applies its changes, however they are made: in place, by a rename,
// or by the swap of a symbolic link on its path. An invalid file is rejected; what was
// applied before stays. It is safe for concurrent use.
type Watcher struct {
	o        Watched
	rejected atomic.Bool
	reading  sync.Mutex // one read at a time: an older text must not replace a newer one
	group    *background.Group

	problem string // the last one that was logged; empty after a file was read; guarded by reading

	last, read fileState // of the poll loop only
	unread     bool      // the last read failed, which the state of the file does not explain; likewise
}

// NewWatcher returns a Watcher of a file that was read before.
func NewWatcher(o Watched) *Watcher { return &Watcher{o: o, group: background.New()} }

// Start starts the polling.
func (w *Watcher) Start() {
	w.group.Go(func(ctx context.Context) { background.Every(ctx, PollEvery, w.poll) })
}

// Close stops the polling. Its error is ctx's, if ctx ends first.
func (w *Watcher) Close(ctx context.Context) error { return w.group.Close(ctx) }

// Rejected reports whether the last read failed.
func (w *Watcher) Rejected() bool { return w.rejected.Load() }

// poll reads the file if it has changed and is the same as at the last poll. So it skips a
// file that is being written, or is missing between two renames, and no later change can
// have the same modification time. The file may change unnoticed between its first read and
// the start, so the first poll counts as a change. A read that fails is tried again: its
// cause, such as a lack of file descriptors or the wrong owner, may pass without a change of
// the file.
func (w *Watcher) poll() {
	state := stat(w.o.Path)
	stable := state.same(w.last)
	w.last = state
	if !stable || state.same(w.read) && !w.unread {
		return
	}
	w.read = state
	err := w.Reload() // it logs its error
	w.unread = err != nil && errors.Is(err, ErrUnreadable)
}

// Reload reads the file now. Its error is that of the read, which is also logged.
func (w *Watcher) Reload() error {
	w.reading.Lock()
	defer w.reading.Unlock()
	changed, attributes, err := w.o.Read()
	if err != nil {
		w.rejected.Store(true)
		if problem := w.o.Problem(err); problem != w.problem {
			w.problem = problem
			w.o.Log.Error(w.o.Rejected, "file", w.o.Path, "problem", problem)
		}
		return err
	}
	w.problem = ""
	if w.rejected.Swap(false) || changed {
		w.o.Log.Info(w.o.Accepted, append([]any{"file", w.o.Path}, attributes...)...)
	}
	return nil
}

// fileState is the result of a stat. The zero value equals no other.
type fileState struct {
	info fs.FileInfo
	err  string
}

func stat(path string) fileState {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{err: err.Error()}
	}
	return fileState{info: info}
}

// same reports whether both are the same file in the same state.
func (s fileState) same(t fileState) bool {
	if s.info == nil || t.info == nil {
		return s.err != "" && s.err == t.err
	}
	return os.SameFile(s.info, t.info) && s.info.Size() == t.info.Size() &&
		s.info.ModTime().Equal(t.info.ModTime()) && s.info.Mode() == t.info.Mode()
}
