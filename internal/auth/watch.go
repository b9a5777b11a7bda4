package auth

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"lsapi"
)

// watch follows a users file, however it is changed: in place, by a rename, by
// the swap of a symbolic link on its path. While what is there now is refused,
// the users that were there before stay in force.
type watch struct {
	path    string
	users   *atomic.Pointer[users]
	log     *slog.Logger
	refused atomic.Bool
	reading sync.Mutex // one reload at a time: an older text must not replace a newer one

	last, read look // of the loop alone

	stop, stopped chan struct{} // nil until it is started
}

// look is what a look at the file saw. The zero value is of no look at all.
type look struct {
	info fs.FileInfo
	err  string
}

func newWatch(path string, users *atomic.Pointer[users], log *slog.Logger) *watch {
	return &watch{path: path, users: users, log: log}
}

func (w *watch) start() {
	stop, stopped := make(chan struct{}), make(chan struct{})
	w.stop, w.stopped = stop, stopped
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(pollEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				w.poll()
			case <-stop:
				return
			}
		}
	}()
}

// close ends the looking. A look that hangs, as one can at a file on a server that
// is away, is not waited for longer than ctx lasts.
func (w *watch) close(ctx context.Context) error {
	if w.stop == nil {
		return nil
	}
	close(w.stop)
	w.stop = nil
	select {
	case <-w.stopped:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// poll reads the file when it has changed and then rested: one that is being
// written in place, or is away for a moment between two renames, is left alone.
// That a file rests before it is read is also why none changes afterwards without
// its time telling, coarse as that may be. What was read at the start may, so that
// the first poll counts as a change.
func (w *watch) poll() {
	seen := lookAt(w.path)
	rests := seen.same(w.last)
	w.last = seen
	if !rests || seen.same(w.read) {
		return
	}
	w.read = seen
	_ = w.reload() // the log has it
}

// reload reads the file. An invalid one is rejected: the previous users stay active, and
// the log says why.
func (w *watch) reload() error {
	w.reading.Lock()
	defer w.reading.Unlock()
	before := w.users.Load()
	after, err := readUsers(w.path, before)
	if err != nil {
		w.refused.Store(true)
		w.log.Error("users file refused; the users before it stay in force",
			"file", w.path, "problem", lsapi.AsError(err).Message)
		return err
	}
	changed := !after.same(before)
	w.users.Store(after)
	if w.refused.Swap(false) || changed {
		w.log.Info("users file read", "file", w.path, "users", len(after.listed))
	}
	return nil
}

func lookAt(path string) look {
	info, err := os.Stat(path)
	if err != nil {
		return look{err: err.Error()}
	}
	return look{info: info}
}

// same reports whether two looks saw the same file in the same state.
func (l look) same(m look) bool {
	if l.info == nil || m.info == nil {
		return l.err != "" && l.err == m.err
	}
	return os.SameFile(l.info, m.info) && l.info.Size() == m.info.Size() &&
		l.info.ModTime().Equal(m.info.ModTime()) && l.info.Mode() == m.info.Mode()
}

// same reports whether two files list the same users.
func (u *users) same(v *users) bool {
	if len(u.listed) != len(v.listed) {
		return false
	}
	for i, a := range u.listed {
		if v.listed[i] != a { // an account that has not changed is kept
			return false
		}
	}
	return true
}
