package record

import (
	"strings"

	"lsapi"
)

// sqlitePath returns the path of the file that a sqlite URL names. Everything
// behind the scheme is the path, so that no character needs to be escaped. Its errors
// do not show the URL: what is wrong with it may be that it is another database's,
// with a password in it.
func sqlitePath(url string) (string, error) {
	path, ok := strings.CutPrefix(url, "sqlite:")
	if !ok {
		return "", lsapi.Errorf(lsapi.CodeInvalid,
			"the store's URL begins with neither sqlite: nor postgres://; give sqlite:///absolute/path, sqlite:relative/path or postgres://user:password@host:5432/database")
	}
	if strings.Contains(path, "://") {
		return "", lsapi.Errorf(lsapi.CodeInvalid, "the store's URL has another one behind sqlite:; give a path there, or postgres://... alone")
	}
	if rest, ok := strings.CutPrefix(path, "//"); ok {
		if !strings.HasPrefix(rest, "/") {
			return "", lsapi.Errorf(lsapi.CodeInvalid,
				"the store's URL names a host; give sqlite:///absolute/path (three slashes) or sqlite:relative/path (none)")
		}
		path = rest
	}
	if path == "" || strings.HasSuffix(path, "/") || strings.ContainsRune(path, 0) {
		return "", lsapi.Errorf(lsapi.CodeInvalid, "the store's URL names no file; give sqlite:///absolute/path or sqlite:relative/path")
	}
	return path, nil
}

// isPostgres reports whether a URL names a PostgreSQL database.
func isPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}
