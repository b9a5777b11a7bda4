package cli_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/open"
)

// writeRecord creates a record with changes of one load balancer.
func writeRecord(t *testing.T, path string, changes int) {
	t.Helper()
	s, err := open.URL(t.Context(), "sqlite:"+path, record.Options{})
	if err != nil {
		t.Fatal(err)
	}
	turn, err := s.Acquire(t.Context(), lsapi.ELB("web"))
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
			ID: id.String(), Action: lsapi.Attach, Pool: lsapi.ELB("web"), Member: lsapi.InstanceMember(fmt.Sprintf("i-%08x", i)), Outcome: lsapi.OutcomeConflict, Actor: "alice",
		}}
	}
	if _, err := s.Append(t.Context(), turn, events); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// forge alters changes in the database.
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
