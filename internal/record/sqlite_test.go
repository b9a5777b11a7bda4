package record_test

import (
	"context"
	"path/filepath"
	"testing"

	"lsapi/internal/record"
)

func TestSQLite(t *testing.T) {
	testStore(t, func(t testing.TB) record.Store { return open(t, newFile(t)) })
}

// newFile returns the path of a file that does not exist yet.
func newFile(t testing.TB) string { return filepath.Join(t.TempDir(), "lsapi.db") }

// open opens a file, to be closed at the test's end.
func open(t testing.TB, path string) record.Store {
	t.Helper()
	s, err := record.Open(t.Context(), "sqlite://"+path, record.Options{})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}
