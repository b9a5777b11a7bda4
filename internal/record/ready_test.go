package record_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgrestest"
)

// wantNotReady waits until the record says that it cannot be written, and why.
func wantNotReady(t *testing.T, s record.Store, says string) {
	t.Helper()
	var err error
	eventually(t, "the record not to be ready", func() bool { err = s.Ready(t.Context()); return err != nil })
	if coded := lsapi.AsError(err); coded.Code != lsapi.CodeUnavailable || !strings.Contains(coded.Message, says) {
		t.Errorf("got %v, want it to say %q", err, says)
	}
}

func wantReady(t *testing.T, s record.Store) {
	t.Helper()
	eventually(t, "the record to be ready", func() bool { return s.Ready(t.Context()) == nil })
}

// A record that was opened just now has proved nothing: Ready tries to write.
func testReadyLeavesNothing(t *testing.T, s record.Store) {
	ended := end(t, s)
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if noted := chainEnds(t, s); len(noted) > 0 {
		t.Errorf("the logs end at %+v", noted)
	}
	if found := events(t, s, ended, 10); len(found) > 0 {
		t.Errorf("there are events: %+v", found)
	}
	if n := countKeys(t, s); n != 0 {
		t.Errorf("%d keys are kept", n)
	}
	wantWhole(t, s)
}

// Requests that reserve keys go on, which says nothing of the tables of changes.
func TestReadyTriesEveryTableOfADatabase(t *testing.T) {
	for _, table := range []string{"logs", "events", "changes", "members", "health", "idempotency_keys", "leases"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			there := postgrestest.URL(t)
			user := fmt.Sprintf("reader_%d", time.Now().UnixNano())
			openURL(t, there, record.Options{}) // makes the tables
			postgrestest.Exec(t, there,
				"CREATE USER "+user+" PASSWORD 'x'", "GRANT USAGE, CREATE ON SCHEMA public TO "+user,
				"GRANT ALL ON ALL TABLES IN SCHEMA public TO "+user, "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO "+user)
			t.Cleanup(func() { postgrestest.Exec(t, there, "DROP OWNED BY "+user, "DROP USER "+user) })
			s := openURL(t, altered(t, there, func(u *url.URL) { u.User = url.UserPassword(user, "x") }), record.Options{})
			wantReady(t, s)

			postgrestest.Exec(t, there, "REVOKE INSERT ON "+table+" FROM "+user)
			wantNotReady(t, s, "its user may not")
			postgrestest.Exec(t, there, "GRANT INSERT ON "+table+" TO "+user)
			wantReady(t, s)

			holder := connect(t, there)
			if _, err := holder.Exec(t.Context(), "BEGIN; LOCK TABLE "+table+" IN ACCESS EXCLUSIVE MODE"); err != nil {
				t.Fatal(err)
			}
			wantNotReady(t, s, "its tables are locked")
			if _, err := holder.Exec(t.Context(), "ROLLBACK"); err != nil {
				t.Fatal(err)
			}
			wantReady(t, s)

			postgrestest.Exec(t, there, "ALTER TABLE "+table+" RENAME TO lost")
			wantNotReady(t, s, "a newer lsapi may have migrated it")
			postgrestest.Exec(t, there, "ALTER TABLE lost RENAME TO "+table)
			wantReady(t, s)
		})
	}
}

func TestReadyTriesEveryTableOfAFile(t *testing.T) {
	for _, table := range []string{"logs", "events", "changes", "members", "health", "idempotency_keys"} {
		t.Run(table, func(t *testing.T) {
			path := newFile(t)
			s := openFile(t, path)
			wantReady(t, s)
			edit(t, path, "CREATE TRIGGER refused BEFORE INSERT ON "+table+" BEGIN SELECT raise(ABORT, 'no'); END")
			wantNotReady(t, s, "the record of ")
			edit(t, path, "DROP TRIGGER refused")
			wantReady(t, s)
		})
	}
}

// wantReplaced tries to write as the owner of a file that is another one by now.
func wantReplaced(t *testing.T, s record.Store, l *lane) {
	t.Helper()
	_, err := s.Append(t.Context(), l.lease, []lsapi.Event{{Kind: lsapi.EventIntended, At: l.now, Change: l.change(lsapi.Attach, two)}})
	for what, err := range map[string]error{
		"append": err, "ready": s.Ready(t.Context()),
		"reserve": errOf(s.Reserve(t.Context(), lsapi.IdempotencyKey{Key: "k"}, lsapi.Reservation{})),
	} {
		if coded := lsapi.AsError(errOr(err)); coded.Code != lsapi.CodeUnavailable || !strings.Contains(coded.Message, "removed or replaced") {
			t.Errorf("%s: got %v, want that the record was removed or replaced", what, err)
		}
	}
}

// errOr is an error where there should be one.
func errOr(err error) error {
	if err == nil {
		return fmt.Errorf("it went on")
	}
	return err
}

func TestOwnerStopsWhenItsFileIsRemoved(t *testing.T) {
	for _, suffix := range []string{"", ".lock", "-wal", "-shm"} {
		t.Run("lsapi.db"+suffix, func(t *testing.T) {
			path := newFile(t)
			log, text := logged()
			s := openURL(t, "sqlite://"+path, record.Options{Log: log})
			l := newLane(t, s, lsapi.ELB("web"))
			l.know(one)
			if err := os.Rename(path+suffix, path+".away"); err != nil {
				t.Fatal(err)
			}
			wantReplaced(t, s, l)
			if err := os.Rename(path+".away", path+suffix); err != nil {
				t.Fatal(err)
			}
			l.do(lsapi.Attach, two) // the very same file is back
			wantReady(t, s)
			wantWhole(t, s)
			if said := text(); strings.Count(said, "removed or replaced") != 1 || strings.Count(said, "was put back") != 1 {
				t.Errorf("the log says %s", said)
			}
		})
	}
}

// What is committed goes to SQLite's log first. In one that was removed it is lost with
// the process.
func TestOwnerStopsWhenItsLogIsRemoved(t *testing.T) {
	path := newFile(t)
	s := openFile(t, path)
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one)
	if err := os.Remove(path + "-wal"); err != nil {
		t.Fatal(err)
	}
	wantReplaced(t, s, l)
}

func TestOwnerStopsWhenAnotherProcessOwnsItsFile(t *testing.T) {
	path := newFile(t)
	s := openFile(t, path)
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one)
	away := path + ".away"
	if err := os.Rename(path+".lock", away); err != nil {
		t.Fatal(err)
	}
	other := openFile(t, path) // it makes a lock of its own
	newLane(t, other, lsapi.ELB("web")).do(lsapi.Detach, one)
	wantReplaced(t, s, l)
	if err := os.Rename(away, path+".lock"); err != nil {
		t.Fatal(err)
	}
	wantReplaced(t, s, l) // the file has changed hands
	wantWhole(t, other)
}

func TestOwnerStopsWhenItsFileIsReplaced(t *testing.T) {
	path := newFile(t)
	s := openFile(t, path)
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE other (n INTEGER)"); err != nil {
		t.Fatal(err)
	}
	wantReplaced(t, s, l)
}
