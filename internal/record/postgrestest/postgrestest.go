// Package postgrestest gives tests a real PostgreSQL: one server for each test
// binary, in a folder of its own, and a fresh database for each test. The server
// writes as durably as one in production. It ends with the test binary, however
// that ends.
package postgrestest

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Password is the password in every URL. Tests search for it where it must not be.
const Password = "no-log-may-say-this" //nolint:gosec // of a server that ends with the tests

const (
	superuser = "lsapi"

	// patience is how long a server may take to answer: it shares the machine with
	// whatever else is tested.
	patience = time.Minute
)

// running is the server of this test binary.
var running = sync.OnceValues(func() (*server, error) { return start(context.Background()) })

var databases atomic.Int64

// URL returns the URL of an empty database, which is dropped when the test ends.
func URL(t testing.TB) string {
	t.Helper()
	s, err := running()
	if err != nil {
		t.Fatalf("the tests need a PostgreSQL: %v", err)
	}
	name := fmt.Sprintf("test_%d", databases.Add(1))
	Exec(t, s.url("postgres"), "CREATE DATABASE "+name)
	t.Cleanup(func() { Exec(t, s.url("postgres"), "DROP DATABASE "+name+" WITH (FORCE)") })
	return s.url(name)
}

// Exec runs statements, one by one, on a connection of their own.
func Exec(t testing.TB, url string, statements ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := conn.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func (s *server) url(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(superuser, Password), Host: s.address, Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}
