package sqlite

import (
	"context"
	"errors"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"lsapi"
	"lsapi/internal/record"
)

// code is SQLite's primary result code, 0 for an error of somebody else.
func code(err error) int {
	coded, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return 0
	}
	return coded.Code() & 0xff
}

// corrupt reports whether SQLite says that a file is none of its, or damaged.
func corrupt(err error) bool {
	return code(err) == sqlite3.SQLITE_CORRUPT || code(err) == sqlite3.SQLITE_NOTADB
}

// violates reports whether a row contradicts one that is there.
func violates(err error) bool { return code(err) == sqlite3.SQLITE_CONSTRAINT }

// reason is the part of a message that says why the record cannot be written, as
// far as the operator can do something about it.
func reason(err error) string {
	switch {
	case code(err) == sqlite3.SQLITE_FULL || errors.Is(err, syscall.ENOSPC):
		return ": the disk is full"
	case code(err) == sqlite3.SQLITE_READONLY || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EACCES):
		return ": it is read-only"
	case code(err) == sqlite3.SQLITE_IOERR:
		return ": the disk fails"
	}
	return ""
}

func errStandby() *lsapi.Error {
	return lsapi.Errorf(lsapi.CodeUnavailable, "this process is a standby: another one owns the record of changes")
}

// errReplaced is for a file that is not the one that this process owns.
func errReplaced(cause error) *lsapi.Error {
	return &lsapi.Error{
		Code: lsapi.CodeUnavailable, Err: cause,
		Message: "the record of changes was removed or replaced while this process was running; nothing is written until it is put back or the process is restarted",
	}
}

func errUnwritable(cause error) *lsapi.Error {
	if coded, ok := errors.AsType[*lsapi.Error](cause); ok && coded.Code == lsapi.CodeUnavailable {
		return coded
	}
	return &lsapi.Error{Code: lsapi.CodeUnavailable, Message: "the record of changes cannot be written" + reason(cause), Err: cause}
}

// errDamagedLog is for a log that does not end where its row says.
func errDamagedLog(loadBalancer string, cause error) *lsapi.Error {
	return &lsapi.Error{
		Code: lsapi.CodeUnavailable, Err: cause,
		Message: "the record of load balancer " + loadBalancer + " is damaged, and cannot be continued until it is repaired",
	}
}

// unreadable returns the coded error of a read that failed. A caller whose time
// was up learns that.
func unreadable(ctx context.Context, cause error) error {
	if coded, ok := errors.AsType[*lsapi.Error](cause); ok {
		return coded
	}
	if ctx.Err() != nil {
		return record.TimedOut(ctx)
	}
	return &lsapi.Error{Code: lsapi.CodeUnavailable, Message: "the record of changes cannot be read", Err: cause}
}

// errNotKnown is for a write that had begun when its caller left.
func errNotKnown(ctx context.Context) *lsapi.Error {
	return &lsapi.Error{
		Code: lsapi.CodeTimeout, Message: "it is not known whether the record of changes has kept it: the record took too long",
		Err: context.Cause(ctx),
	}
}
