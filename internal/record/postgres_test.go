package record_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"lsapi/internal/record"
	"lsapi/internal/record/open"
	"lsapi/internal/record/postgrestest"
)

func TestPostgres(t *testing.T) {
	testStore(t, emptyDatabase)
}

func emptyDatabase(t testing.TB) record.Store {
	return openURL(t, postgrestest.URL(t), record.Options{})
}

// openURL opens a record, to be closed at the test's end.
func openURL(t testing.TB, url string, o record.Options) record.Store {
	t.Helper()
	s, err := open.URL(t.Context(), url, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	urls.Store(s, url)
	t.Cleanup(func() {
		urls.Delete(s)
		if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// connect returns a connection past the store.
func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return conn
}
