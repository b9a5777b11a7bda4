package store

import (
	"errors"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// corrupt reports whether SQLite says that a file is none of its, or damaged.
func corrupt(err error) bool {
	coded, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return false
	}
	switch coded.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return true
	}
	return false
}

// reason is the part of a message that says why the record cannot be written, as
// far as the operator can do something about it.
func reason(err error) string {
	var code int
	if coded, ok := errors.AsType[*sqlite.Error](err); ok {
		code = coded.Code() & 0xff
	}
	switch {
	case code == sqlite3.SQLITE_FULL || errors.Is(err, syscall.ENOSPC):
		return ": the disk is full"
	case code == sqlite3.SQLITE_READONLY || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EACCES):
		return ": it is read-only"
	case code == sqlite3.SQLITE_IOERR:
		return ": the disk fails"
	}
	return ""
}
