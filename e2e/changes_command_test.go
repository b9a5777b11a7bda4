package e2e

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // to forge the record
)

func TestChangesListRunsBesideService(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		_, s := startBoth(t, at(store))
		id := s.send("POST", "/elb/default-elb", machineID(spare), "X-Reason: release 7").changeID(t)
		s.attach("default-elb", spare)

		status, table, stderr := changesCommand(t, store, "list", "-o", "table")
		lines := strings.Split(table, "\n")
		if status != 0 || stderr != "" || len(lines) != 4 || !strings.HasPrefix(lines[0], "TIME ") {
			t.Fatalf("status %d, stderr %s, %s", status, stderr, table)
		}
		for column, value := range map[string]string{"OUTCOME": "applied", "ACTION": "attach", "POOL": "elb/default-elb", "MEMBER": spare, "ACTOR": user, "CHANGE": id, "REASON": "release 7"} {
			if where := strings.Index(lines[0], column); where < 0 || !strings.HasPrefix(lines[2][where:], value) {
				t.Errorf("under %s is not %s:\n%s", column, value, table)
			}
		}

		status, piped, _ := changesCommand(t, store, "list", "--outcome", "applied")
		if found := changesIn(t, piped); status != 0 || len(found) != 1 || found[0].ID != id || found[0].Reason != "release 7" {
			t.Errorf("status %d, %s", status, piped)
		}
		if api := s.send("GET", "/v1/changes?outcome=applied", "", "Accept: application/x-ndjson").body; piped != api {
			t.Errorf("the command prints %s, the API %s", piped, api)
		}
	})
}

func TestChangesListFollowsUntilInterrupted(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		_, s := startBoth(t, at(store))
		old := s.attach("web-elb", otherSpare).changeID(t)
		follower := start(t, []string{"changes", "list", "--follow", "--from", "1m"}, at(store))
		follower.waitFor(follower.stdout, old)
		for _, answer := range []response{s.attach("default-elb", spare), s.detach("default-elb", spare)} {
			follower.waitFor(follower.stdout, answer.changeID(t))
		}
		follower.signal(interrupt)
		if status := follower.wait(); status != 0 || follower.stderr.String() != "" {
			t.Errorf("status %d, %s", status, follower.stderr)
		}
		if shown := changesIn(t, follower.stdout.String()); len(shown) != 3 {
			t.Errorf("it has shown %+v", shown)
		}
	})
}

// checkpoint writes the output of lsapi changes checkpoint to a file.
func checkpoint(t *testing.T, store string) (file string) {
	t.Helper()
	status, text, stderr := changesCommand(t, store, "checkpoint")
	if status != 0 || text == "" {
		t.Fatalf("status %d, %s", status, stderr)
	}
	file = filepath.Join(t.TempDir(), "checkpoint")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestChangesVerifySucceedsBesideService(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		_, s := startBoth(t, at(store))
		s.attach("default-elb", spare)
		s.attach("web-elb", otherSpare)
		before := checkpoint(t, store)
		s.detach("default-elb", spare)
		verify(t, store)
		verify(t, store, before)
	})
}

// forge alters a record of an attach, a detach and a conflict of default-elb, and returns
// a checkpoint from before. Event 1 is the checkpoint, 2 and 3 the attach, 4 and 5 the
// detach, 6 the conflict.
func forge(t *testing.T, statements ...string) (store, before string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lsapi.db")
	store = sqliteURL(path)
	_, s := startBoth(t, at(store))
	s.attach("default-elb", spare)
	s.detach("default-elb", spare)
	s.detach("default-elb", spare)
	before = checkpoint(t, store)
	s.stop()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		result, err := db.Exec(statement)
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		if rows, err := result.RowsAffected(); err != nil || rows != 1 {
			t.Fatalf("%s alters %d rows, %v", statement, rows, err)
		}
	}
	return store, before
}

func TestChangesVerifyReportsForgery(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		statement string
		named     string
	}{
		"the actor": {
			`UPDATE events SET payload = CAST(replace(CAST(payload AS TEXT), 'alice', 'mallory') AS BLOB) WHERE seq = 4`,
			"event 4",
		},
		"an event is gone":          {`DELETE FROM events WHERE seq = 3`, "event 4: the events before it are missing, from 3 on"},
		"a change in another light": {`UPDATE changes SET outcome = 'failed' WHERE action = 'attach'`, "change "},
		"a member more":             {`INSERT INTO members VALUES ('default/elb/default-elb', 'i-0000beef', 0)`, "default-elb"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, before := forge(t, test.statement)
			for _, arguments := range [][]string{{"verify"}, {"verify", "--checkpoint", before}} {
				status, stdout, stderr := changesCommand(t, store, arguments...)
				if status != 1 || stdout != "" || !strings.HasPrefix(stderr, "lsapi: the record is not whole: pool default/elb/default-elb") || !strings.Contains(stderr, test.named) {
					t.Errorf("%v: status %d, %s%s", arguments, status, stdout, stderr)
				}
			}
		})
	}
}

// The last event is the conflict's only one. Without it, and all rows that refer to it,
// the record is consistent.
func TestCheckpointDetectsTruncatedLog(t *testing.T) {
	t.Parallel()
	store, before := forge(t,
		`DELETE FROM events WHERE seq = 6`,
		`DELETE FROM changes WHERE outcome = 'conflict'`,
		`UPDATE logs SET (last_seq, last_at, last_hash) = (SELECT seq, at, hash FROM events WHERE seq = 5) WHERE pool = 'default/elb/default-elb'`,
	)
	verify(t, store)
	status, stdout, stderr := changesCommand(t, store, "verify", "--checkpoint", before)
	if status != 1 || stdout != "" || !strings.Contains(stderr, "default-elb") || !strings.Contains(stderr, "tail was cut off") {
		t.Errorf("status %d, %s%s", status, stdout, stderr)
	}
}

func TestChangesListRejectsNamesThatAreNotUTF8(t *testing.T) {
	everywhere(t, func(t *testing.T, store string) {
		for flag, message := range map[string]string{"--actor": "--actor is not UTF-8", "--pool": "--pool: not the id of a pool"} {
			status, stdout, stderr := changesCommand(t, store, "list", flag, "\xff")
			if status != 2 || stdout != "" || !strings.Contains(stderr, message) {
				t.Errorf("%s: status %d, stdout %q, stderr %q", flag, status, stdout, stderr)
			}
		}
	})
}
