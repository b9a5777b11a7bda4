// Package open opens records of changes by URL.
package open

import (
	"context"
	"strings"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgres"
	"lsapi/internal/record/sqlite"
)

// URL opens the record at url: sqlite:///absolute/path, sqlite:relative/path or
// postgres://user:password@host:5432/database. It creates a missing file, and the tables
// of an empty database. CodeInvalid, with a message that says what to do, and nothing is
// altered: the URL is invalid; the file or database is missing, damaged, not a record or
// of a newer lsapi; a read-only record needs a migration. CodeUnavailable: a retry may
// succeed. No message contains the password.
func URL(ctx context.Context, url string, o record.Options) (record.Store, error) {
	if strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://") {
		return postgres.Open(ctx, url, o)
	}
	path, err := sqlitePath(url)
	if err != nil {
		return nil, err
	}
	return sqlite.Open(ctx, path, o)
}

// sqlitePath returns the path in a sqlite URL: all behind the scheme, without escapes.
// Errors do not contain the URL, which may be another database's with a password.
func sqlitePath(url string) (string, error) {
	path, ok := strings.CutPrefix(url, "sqlite:")
	rest, slashes := strings.CutPrefix(path, "//")
	switch {
	case !ok:
		return "", lsapi.Errorf(lsapi.CodeInvalid,
			"the store's URL begins with neither sqlite: nor postgres://; give sqlite:///absolute/path, sqlite:relative/path or postgres://user:password@host:5432/database")
	case strings.Contains(path, "://"):
		return "", lsapi.Errorf(lsapi.CodeInvalid, "the store's URL has another one behind sqlite:; give a path there, or postgres://... alone")
	case slashes && !strings.HasPrefix(rest, "/"):
		return "", lsapi.Errorf(lsapi.CodeInvalid,
			"the store's URL names a host; give sqlite:///absolute/path (three slashes) or sqlite:relative/path (none)")
	case slashes:
		path = rest
	}
	if path == "" || strings.HasSuffix(path, "/") || strings.ContainsRune(path, 0) {
		return "", lsapi.Errorf(lsapi.CodeInvalid, "the store's URL names no file; give sqlite:///absolute/path or sqlite:relative/path")
	}
	return path, nil
}
