package policy

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync/atomic"

	"lsapi"
	"lsapi/internal/safefile"
)

// Read reads a policy file. Errors: *Error for its content, safefile.ErrUnreadable in the
// chain if it cannot be read. They do not contain the folders of the path.
func Read(path string) (*Policy, error) {
	p, _, err := read(path)
	return p, err
}

// read also returns the text.
func read(path string) (*Policy, string, error) {
	text, err := safefile.Read(path, maxFileSize)
	if err != nil {
		return nil, "", &lsapi.Error{Code: lsapi.CodeInvalid, Message: "cannot read it: " + err.Error(), Err: errors.Join(safefile.ErrUnreadable, err)}
	}
	p, err := Parse(filepath.Base(path), text)
	return p, string(text), err
}

// Check validates a policy file.
func Check(path string) error {
	_, err := Read(path)
	return err
}

// File is a policy file that is reloaded when it changes. An invalid file is rejected: the
// previous policy stays in force. It is safe for concurrent use.
type File struct {
	current atomic.Pointer[loaded]
	watcher *safefile.Watcher // nil without a file
}

// loaded is a policy and its text.
type loaded struct {
	policy *Policy
	text   string
}

// Open reads a policy file, with Read's errors. With an empty path the policy is the zero
// Policy.
func Open(path string, log *slog.Logger) (*File, error) {
	f := &File{}
	if path == "" {
		f.current.Store(&loaded{policy: &Policy{}})
		return f, nil
	}
	read := func() (changed bool, attributes []any, err error) {
		p, text, err := read(path)
		if err != nil {
			return false, nil, err
		}
		before := f.current.Load()
		if before != nil && before.text == text {
			return false, []any{"guards", p.Size()}, nil
		}
		f.current.Store(&loaded{p, text})
		return true, []any{"guards", p.Size()}, nil
	}
	if _, _, err := read(); err != nil {
		return nil, err
	}
	f.watcher = safefile.NewWatcher(safefile.Watched{
		Path:     path,
		Read:     read,
		Accepted: "policy file read",
		Rejected: "policy file rejected; the previous policy stays in force",
		Problem:  problem,
		Log:      log,
	})
	return f, nil
}

// problem returns all problems of a file, for the log.
func problem(err error) string {
	if bad, ok := errors.AsType[*Error](err); ok {
		return bad.Error()
	}
	return lsapi.AsError(err).Message
}

// Start starts polling the file, if there is one.
func (f *File) Start() {
	if f.watcher != nil {
		f.watcher.Start()
	}
}

// Reload reads the file now, if there is one. An error means that it was rejected, which is
// logged.
func (f *File) Reload() error {
	if f.watcher == nil {
		return nil
	}
	return f.watcher.Reload()
}

// Close stops the polling. Its error is ctx's, if ctx ends first.
func (f *File) Close(ctx context.Context) error {
	if f.watcher == nil {
		return nil
	}
	return f.watcher.Close(ctx)
}

// Rejected reports whether the file is invalid, so that an earlier policy is in force.
func (f *File) Rejected() bool { return f.watcher != nil && f.watcher.Rejected() }

// Policy returns the policy in force.
func (f *File) Policy() *Policy { return f.current.Load().policy }

// MayOverride reports whether the policy in force lets an actor override the guards of a
// pool.
func (f *File) MayOverride(actor lsapi.Actor, _ lsapi.PoolID) bool {
	return f.Policy().MayOverride(actor.Name)
}
