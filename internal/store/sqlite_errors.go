package store

import (
	"errors"

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
