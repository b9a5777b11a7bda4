package sqlite

import "testing"

// A kill does not show whether the disk has what was acknowledged; a power cut would.
func TestWriterSyncsEveryCommit(t *testing.T) {
	db, err := file{t.TempDir() + "/lsapi.db"}.writer()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal"} {
		var got string
		if err := db.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", pragma, got, err, want)
		}
	}
}
