package record

import (
	"errors"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
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
