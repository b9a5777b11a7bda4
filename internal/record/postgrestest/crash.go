package postgrestest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
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

// UseTLS makes the server accept TLS, with a certificate and its key in PEM.
func (c *Crashing) UseTLS(certificate, key []byte) {
	c.t.Helper()
	statements := []string{"ALTER SYSTEM SET ssl = on"}
	for name, content := range map[string][]byte{"ssl_cert_file": certificate, "ssl_key_file": key} {
		path := filepath.Join(c.server.folder, name)
		if err := errors.Join(os.WriteFile(path, content, 0o600), c.account.own(path)); err != nil {
			c.t.Fatal(err)
		}
		statements = append(statements, "ALTER SYSTEM SET "+name+" = '"+path+"'")
	}
	Exec(c.t, c.URL(), append(statements, "SELECT pg_reload_conf()")...)
	// The server reloads later than it answers.
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, strings.Replace(c.URL(), "sslmode=disable", "sslmode=require", 1))
		if err == nil {
			err = conn.Close(ctx)
		}
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			c.t.Fatal(err)
		}
	}
}
