package store

import (
	"strings"

	"lsapi"
)

// sqlitePath returns the path of the file that a sqlite URL names. Everything
// behind the scheme is the path, so that no character needs to be escaped.
func sqlitePath(url string) (string, error) {
	path, ok := strings.CutPrefix(url, "sqlite:")
	if !ok {
		scheme, _, _ := strings.Cut(url, ":")
		return "", lsapi.Errorf(lsapi.CodeInvalid,
			"the store's URL begins with %q; give sqlite:///absolute/path, sqlite:relative/path or postgres://user:password@host:5432/database", scheme+":")
	}
	if rest, ok := strings.CutPrefix(path, "//"); ok {
		if !strings.HasPrefix(rest, "/") {
			return "", lsapi.Errorf(lsapi.CodeInvalid,
				"%s names a host; give sqlite:///absolute/path (three slashes) or sqlite:relative/path (none)", url)
		}
		path = rest
	}
	if path == "" || strings.HasSuffix(path, "/") || strings.ContainsRune(path, 0) {
		return "", lsapi.Errorf(lsapi.CodeInvalid, "the store's URL %q names no file; give sqlite:///absolute/path or sqlite:relative/path", url)
	}
	return path, nil
}

// isPostgres reports whether a URL names a PostgreSQL database.
func isPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}
