package store_test

import (
	"context"
	"path/filepath"
	"testing"

	"lsapi/internal/store"
)

func TestSQLite(t *testing.T) {
	testStore(t, func(t testing.TB) store.Store { return open(t, newFile(t)) })
}

// newFile returns the path of a file that does not exist yet.
func newFile(t testing.TB) string { return filepath.Join(t.TempDir(), "lsapi.db") }

// open opens a file, to be closed at the test's end.
func open(t testing.TB, path string) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite://"+path, store.Options{})
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
