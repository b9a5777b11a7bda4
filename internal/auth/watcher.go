package auth

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"lsapi"
	"lsapi/internal/background"
)

// watcher polls a users file and applies its changes, however they are made: in place, by
// a rename, or by the swap of a symbolic link on its path. An invalid file is rejected;
// the previous users stay active.
type watcher struct {
	path     string
	users    *atomic.Pointer[users]
	log      *slog.Logger
	rejected atomic.Bool
	reading  sync.Mutex // one reload at a time: an older text must not replace a newer one
	group    *background.Group

	problem string // the last one that was logged; empty after a file was read; guarded by reading

	last, read fileState // of the poll loop only
	unread     bool      // the last read failed, which the state of the file does not explain; likewise
}

func newWatcher(path string, users *atomic.Pointer[users], log *slog.Logger) *watcher {
	return &watcher{path: path, users: users, log: log, group: background.New()}
}

func (w *watcher) start() {
	w.group.Go(func(ctx context.Context) { background.Every(ctx, pollEvery, w.poll) })
}

// poll reads the file if it has changed and is the same as at the last poll. So it skips a
// file that is being written, or is missing between two renames, and no later change can
// have the same modification time. The file that New read may change unnoticed, so the
// first poll counts as a change. A read that fails is tried again: its cause, such as a lack
// of file descriptors or the wrong owner, may pass without a change of the file.
func (w *watcher) poll() {
	state := stat(w.path)
	stable := state.same(w.last)
	w.last = state
	if !stable || state.same(w.read) && !w.unread {
		return
	}
	w.read = state
	err := w.reload() // it logs its error
	w.unread = err != nil && errors.Is(err, errUnreadable)
}

// reload reads the file. An invalid one is rejected: the previous users stay active, and
// the log says why.
func (w *watcher) reload() error {
	w.reading.Lock()
	defer w.reading.Unlock()
	before := w.users.Load()
	after, err := readUsers(w.path, before)
	if err != nil {
		w.rejected.Store(true)
		if problem := lsapi.AsError(err).Message; problem != w.problem {
			w.problem = problem
			w.log.Error("users file rejected; the previous users stay active", "file", w.path, "problem", problem)
		}
		return err
	}
	w.problem = ""
	w.users.Store(after)
	if w.rejected.Swap(false) || !after.same(before) {
		w.log.Info("users file read", "file", w.path, "users", len(after.listed))
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
