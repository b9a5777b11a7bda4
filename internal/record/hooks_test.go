package record_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"lsapi/internal/record"
	"lsapi/internal/record/postgrestest"
)

// urls are the URLs of the open records.
var urls sync.Map

// fileOf returns the path of a record in a file, or the URL of a database.
func fileOf(t testing.TB, s record.Store) (path, url string) {
	t.Helper()
	known, _ := urls.Load(s)
	url, ok := known.(string)
	if !ok {
		t.Fatal("the record was not opened by openURL")
	}
	path, isFile := strings.CutPrefix(url, "sqlite://")
	if !isFile {
		return "", url
	}
	return path, ""
}

// pruneAt prunes as of a time.
func pruneAt(t testing.TB, s record.Store, now time.Time, keep time.Duration) error {
	t.Helper()
	pruner, ok := s.(interface {
		PruneAt(ctx context.Context, now time.Time, keep time.Duration) error
	})
	if !ok {
		t.Fatalf("%T has no PruneAt", s)
	}
	return pruner.PruneAt(t.Context(), now, keep)
}

// ageKeys makes all idempotency keys older.
func ageKeys(t testing.TB, s record.Store, by time.Duration) {
	t.Helper()
	by = by.Truncate(time.Second)
	shift := microseconds(int(by / time.Second))
	if path, url := fileOf(t, s); path != "" {
		edit(t, path, "UPDATE idempotency_keys SET at = at - ("+shift+")")
	} else {
		postgrestest.Exec(t, url, "UPDATE idempotency_keys SET at = at - ("+shift+")::bigint * interval '1 microsecond'")
	}
}

// countKeys counts the idempotency keys that are kept.
func countKeys(t testing.TB, s record.Store) int {
	t.Helper()
	const query = "SELECT count(*) FROM idempotency_keys"
	path, url := fileOf(t, s)
	if path == "" {
		return int(columnOf[int64](t, url, query)[0])
	}
	var n int
	if err := openDB(t, path).QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
