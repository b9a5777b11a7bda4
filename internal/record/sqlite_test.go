package record_test

import (
	"path/filepath"
	"testing"

	"lsapi/internal/record"
)

func TestSQLite(t *testing.T) {
	testStore(t, emptyFile)
}

func emptyFile(t testing.TB) record.Store { return openFile(t, newFile(t)) }

// newFile returns the path of a file that does not exist yet.
func newFile(t testing.TB) string { return filepath.Join(t.TempDir(), "lsapi.db") }

// openFile opens a file, to be closed at the test's end.
func openFile(t testing.TB, path string) record.Store {
	t.Helper()
	return openURL(t, "sqlite://"+path, record.Options{})
}
