package postgrestest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Crashing is a PostgreSQL of one test, which the test can crash.
type Crashing struct {
	t       testing.TB
	account credential
	server  *server
}

// New starts a server that ends with the test.
func New(t testing.TB) *Crashing {
	t.Helper()
	as, err := account()
	if err != nil {
		t.Fatal(err)
	}
	s, err := start(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatalf("the test needs a PostgreSQL: %v", err)
	}
	c := &Crashing{t: t, account: as, server: s}
	t.Cleanup(func() {
		if c.server != nil {
			c.end()
		}
	})
	return c
}

// URL returns the URL of the server's database.
func (c *Crashing) URL() string { return c.server.url("postgres") }

// Restart crashes the server, as `pg_ctl stop -m immediate` does, calls a function
// while it is away, and starts it again on the same address. What had been committed
// asynchronously may be lost.
func (c *Crashing) Restart(away func()) {
	c.t.Helper()
	keep := filepath.Join(c.server.folder, keepName)
	if err := os.WriteFile(keep, nil, 0o600); err != nil {
		c.t.Fatal(err)
	}
	old := c.server
	c.end()
	away()
	programs, err := findPrograms()
	if err != nil {
		c.t.Fatal(err)
	}
	for range attempts {
		if c.server, err = runOn(context.WithoutCancel(c.t.Context()), old.port, programs, old.folder, c.account); err == nil {
			break
		}
	}
	if err := errors.Join(err, os.Remove(keep)); err != nil {
		c.t.Fatal(err)
	}
}

// end crashes the server and waits for its end.
func (c *Crashing) end() {
	if err := errors.Join(c.server.held.Close(), c.server.ended()); err != nil {
		c.t.Error(err)
	}
	c.server = nil
}
