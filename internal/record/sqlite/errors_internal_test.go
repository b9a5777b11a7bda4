package sqlite

import (
	"database/sql"
	"path/filepath"
	"testing"

	"lsapi"
)

// A start on a full disk fails at its first read, which opens the file.
func TestFailedReadNamesTheFullDisk(t *testing.T) {
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "full.db")+"?_pragma=max_page_count(1)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, full := db.ExecContext(t.Context(), "CREATE TABLE t (x)")
	if full == nil {
		t.Fatal("the file is not full")
	}
	if got := lsapi.AsError(unreadable(t.Context(), full)).Message; got != "the record of changes cannot be read: the disk is full" {
		t.Errorf("got %q: %v", got, full)
	}
}
