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

// code is SQLite's primary result code, 0 for other errors.
func code(err error) int {
	coded, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return 0
	}
	return coded.Code() & 0xff
}

// corrupt reports whether a file is damaged or not SQLite's.
func corrupt(err error) bool {
	return code(err) == sqlite3.SQLITE_CORRUPT || code(err) == sqlite3.SQLITE_NOTADB
}

func violates(err error) bool { return code(err) == sqlite3.SQLITE_CONSTRAINT }

func errStandby() *lsapi.Error {
	return lsapi.Errorf(lsapi.CodeUnavailable, "this process is a standby: another one owns the record of changes")
}

// errReplaced returns the error for a file that this process does not own.
func errReplaced(cause error) *lsapi.Error {
	return &lsapi.Error{
		Code: lsapi.CodeUnavailable, Err: cause,
		Message: "the record of changes was removed or replaced while this process was running; nothing is written until it is put back or the process is restarted",
	}
}

// errUnwritable returns the error for a failed write, with its reason if an operator can
// remove it.
func errUnwritable(cause error) *lsapi.Error {
	if coded, ok := errors.AsType[*lsapi.Error](cause); ok && coded.Code == lsapi.CodeUnavailable {
		return coded
	}
	message := "the record of changes cannot be written"
	switch {
	case code(cause) == sqlite3.SQLITE_FULL || errors.Is(cause, syscall.ENOSPC):
		message += ": the disk is full"
	case code(cause) == sqlite3.SQLITE_READONLY || errors.Is(cause, syscall.EROFS) || errors.Is(cause, syscall.EACCES):
		message += ": it is read-only"
	case code(cause) == sqlite3.SQLITE_IOERR:
		message += ": the disk fails"
	}
	return &lsapi.Error{Code: lsapi.CodeUnavailable, Message: message, Err: cause}
}

// errDamagedLog returns the error for a log that does not end where its row says.
func errDamagedLog(pool lsapi.PoolID, cause error) *lsapi.Error {
	return &lsapi.Error{
		Code: lsapi.CodeUnavailable, Err: cause,
		Message: "the record of " + pool.Title() + " is damaged, and cannot be continued until it is repaired",
	}
}

// unreadable returns the coded error of a failed read.
func unreadable(ctx context.Context, cause error) error {
	if coded, ok := errors.AsType[*lsapi.Error](cause); ok {
		return coded
	}
	if ctx.Err() != nil {
		return record.TimedOut(ctx)
	}
	message := "the record of changes cannot be read"
	if code(cause) == sqlite3.SQLITE_FULL || errors.Is(cause, syscall.ENOSPC) {
		message += ": the disk is full" // opening a file may write
	}
	return &lsapi.Error{Code: lsapi.CodeUnavailable, Message: message, Err: cause}
}

// errUncertain returns the error for a write that had begun when its caller left.
func errUncertain(ctx context.Context) *lsapi.Error {
	return &lsapi.Error{
		Code: lsapi.CodeTimeout, Message: "it is not known whether the record of changes has kept it: the record took too long",
		Err: context.Cause(ctx),
	}
}
