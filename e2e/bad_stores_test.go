package e2e

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lsapi/internal/record/postgrestest"
)

// hashes returns the hash of each file in a folder, except those that SQLite creates
// beside a database for readers.
func hashes(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "-wal") || strings.HasSuffix(path, "-shm") {
			return err
		}
		content, err := os.ReadFile(path)
		found[path] = fmt.Sprintf("%x", sha256.Sum256(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// newerRecord creates a record with the schema of a later lsapi.
func newerRecord(t *testing.T, path string) {
	t.Helper()
	a := startAWS(t)
	s := startService(t, a.base, at(sqliteURL(path)))
	s.attach("default-elb", spare)
	s.stop()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`); err != nil {
		t.Fatal(err)
	}
}

// foreignDatabase creates a database of another program.
func foreignDatabase(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('soup')`); err != nil {
		t.Fatal(err)
	}
}

func write(content string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func nothing(*testing.T, string) {}

func TestUnusableStoreIsReportedAndNotAltered(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		make    func(t *testing.T, path string)
		store   func(path string) string // default: sqliteURL
		message string
	}{
		"unknown scheme":              {nothing, func(string) string { return "mysql://localhost/lsapi" }, "sqlite:///"},
		"folder that is missing":      {nothing, func(path string) string { return sqliteURL(filepath.Join(path, "lsapi.db")) }, "cannot be used: no such file or directory"},
		"folder":                      {nothing, func(path string) string { return sqliteURL(filepath.Dir(path)) }, "is not a file"},
		"file that is no database":    {write(strings.Repeat("a shopping list\n", 100)), sqliteURL, "is not a SQLite database"},
		"database of another program": {foreignDatabase, sqliteURL, "something else than lsapi"},
		"record of a newer lsapi":     {newerRecord, sqliteURL, "newer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			path := filepath.Join(folder, "lsapi.db")
			test.make(t, path)
			before := hashes(t, folder)
			for _, arguments := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"changes", "list"}, {"changes", "verify"}} {
				status, stdout, stderr := run(t, arguments, with(serviceEnvironment("http://127.0.0.1:1")...), at(test.store(path)))
				if status != 2 || stdout != "" || strings.Count(stderr, "lsapi: ") != 1 || !strings.HasPrefix(stderr, "lsapi: ") || !strings.Contains(stderr, test.message) {
					t.Errorf("%v: status %d, stdout %q, stderr %q", arguments, status, stdout, stderr)
				}
			}
			if after := hashes(t, folder); !maps.Equal(before, after) {
				t.Errorf("the folder had %v, and has %v", before, after)
			}
		})
	}
}

// databaseAt returns the URL of a database at an address.
func databaseAt(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(postgrestest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	u.Host = address
	return u.String()
}

func TestStartWithoutDatabaseEndsWithStatus5(t *testing.T) {
	t.Parallel()
	const away = "postgres://lsapi:s3cret@127.0.0.1:1/lsapi"
	status, stdout, stderr := run(t, []string{"serve"}, with(serviceEnvironment("http://127.0.0.1:1")...), at(away))
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	if status != 5 || stdout != "" || len(lines) != 2 || !strings.Contains(lines[0], "the start waits for the record") ||
		!strings.HasPrefix(lines[1], "lsapi: ") || strings.Count(stderr, "127.0.0.1:1") != 2 || strings.Contains(stderr, "s3cret") {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

func TestStartContinuesOnceDatabaseIsReachable(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	there := databaseAt(t, address)
	served, err := url.Parse(postgrestest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, []string{"serve", "--listen", "127.0.0.1:0"}, with(serviceEnvironment("http://127.0.0.1:1")...), at(there))
	p.waitFor(p.stderr, "the start waits for the record")
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go forward(listener, served.Host)
	p.waitFor(p.stderr, `"listening"`)
	if status := p.stop(); status != 0 {
		t.Errorf("status %d", status)
	}
}

func TestStartWaitsForLocksWithinBound(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]string{"the version": "goose_db_version", "the logs": "logs", "the changes": "changes", "the members": "members"} {
		for _, released := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, released %v", name, released), func(t *testing.T) {
				t.Parallel()
				store := postgrestest.URL(t)
				serve := func() *process {
					return start(t, []string{"serve", "--listen", "127.0.0.1:0"}, with(serviceEnvironment("http://127.0.0.1:1")...), at(store))
				}
				p := serve()
				p.waitFor(p.stderr, `"listening"`)
				if status := p.stop(); status != 0 {
					t.Fatalf("status %d", status)
				}
				release := lockTable(t, store, table)
				p = serve()
				p.waitFor(p.stderr, "the start waits for the record")
				if released {
					release()
					p.waitFor(p.stderr, `"listening"`)
					return
				}
				if status := p.wait(); status != 5 {
					t.Errorf("status %d", status)
				}
				release()
			})
		}
	}
}

func TestSignalEndsStartThatWaitsForDatabase(t *testing.T) {
	t.Parallel()
	p := start(t, []string{"serve", "--listen", "127.0.0.1:0"}, with(serviceEnvironment("http://127.0.0.1:1")...), at(databaseAt(t, "127.0.0.1:1")))
	p.waitFor(p.stderr, "the start waits for the record")
	began := time.Now()
	if status := p.stop(); status != 0 || time.Since(began) > 10*time.Second {
		t.Errorf("status %d after %v", status, time.Since(began))
	}
}

// forward forwards the listener's connections to an address until it is closed.
func forward(listener net.Listener, address string) {
	for {
		from, err := listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", address)
		if err != nil {
			from.Close()
			continue
		}
		for _, ends := range [][2]net.Conn{{from, to}, {to, from}} {
			go func() {
				_, _ = io.Copy(ends[0], ends[1]) // until either end closes
				ends[0].Close()
				ends[1].Close()
			}()
		}
	}
}
