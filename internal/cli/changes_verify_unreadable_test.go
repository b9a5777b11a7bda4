package cli_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lsapi"
	"lsapi/internal/cli"
	"lsapi/internal/store"
)

// A damaged page of the database is no verdict on the record: nothing is known of it.
func TestVerifyExitsWith2WhenTheRecordCannotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lsapi.db")
	writeRecord(t, path, 300)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for page := len(text) / 3 / 4096 * 4096; page < len(text)/3*2; page += 4096 {
		copy(text[page:page+4096], bytes.Repeat([]byte{0xff}, 4096))
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	status := cli.Run(cli.Process{Args: []string{"changes", "verify", "--store", "sqlite:" + path}, Stdout: &stdout, Stderr: &stderr})
	if status != 2 || !strings.Contains(stderr.String(), "cannot be read") {
		t.Errorf("status %d, want 2: %s%s", status, stdout.String(), stderr.String())
	}
}

// writeRecord makes a record with as many changes of one load balancer.
func writeRecord(t *testing.T, path string, changes int) {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	turn, err := s.Take(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	events := make([]lsapi.Event, changes)
	for i := range events {
		id, err := uuid.NewV7()
		if err != nil {
			t.Fatal(err)
		}
		events[i] = lsapi.Event{Kind: lsapi.EventCompleted, At: time.Now(), Change: lsapi.Change{
			ID: id.String(), Action: lsapi.Attach, LoadBalancer: "web", InstanceID: fmt.Sprintf("i-%08x", i), Outcome: lsapi.OutcomeConflict, Actor: "alice",
		}}
	}
	if err := s.Append(t.Context(), turn, events); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// forge changes an event of the record, as who can write to the database may.
func forge(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	result, err := db.ExecContext(t.Context(), "UPDATE changes SET actor = 'mallory'")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%d rows, %v", n, err)
	}
}
