package record_test

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/open"
)

// eventually waits for a condition, for as long as a standby may take.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// edit changes the file past the store.
func edit(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func TestOpenReportsARemedyForAURL(t *testing.T) {
	folder := t.TempDir()
	for url, says := range map[string]string{
		"":                               "sqlite:///absolute/path",
		"mysql://host/db":                "begins with neither",
		"sqlite:":                        "names no file",
		"sqlite://relative/path":         "three slashes",
		"sqlite:///":                     "names no file",
		"sqlite://" + folder:             "is not a file",
		"sqlite://" + folder + "/a/b.db": "cannot be used: no such file or directory",
	} {
		s, err := open.URL(t.Context(), url, record.Options{})
		if err == nil {
			t.Errorf("%s was opened: %v", url, s.Close(context.WithoutCancel(t.Context())))
			continue
		}
		if coded := lsapi.AsError(err); coded.Code != lsapi.CodeInvalid || !strings.Contains(coded.Message, says) {
			t.Errorf("%s: got %v, want it to say %q", url, err, says)
		}
	}
}

func TestOpenErrorsContainNoPassword(t *testing.T) {
	for _, url := range []string{
		"sqlite://app:s3cret@host/db", "sqlite:postgres://app:s3cret@host/db", "postgre://app:s3cret@host/db",
		"s3cret:app", "sqlite:postgres://app:s3cret@host/", "postgres://app:s3cret@host:port/db",
	} {
		s, err := open.URL(t.Context(), url, record.Options{})
		if err == nil {
			t.Errorf("%s was opened: %v", url, s.Close(context.WithoutCancel(t.Context())))
			continue
		}
		if coded := lsapi.AsError(err); coded.Code != lsapi.CodeInvalid || strings.Contains(err.Error()+coded.Message, "s3cret") {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

func TestOpenAcceptsRelativePathsAndOddCharacters(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"plain.db", "odd ?&%20#ü.db"} {
		s, err := open.URL(t.Context(), "sqlite:"+name, record.Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		newLane(t, s, lsapi.ELB("web")).know(one)
		if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(name); err != nil || info.Size() == 0 {
			t.Errorf("%s was not made: %v", name, err)
		}
	}
}

// A file that is not ours, or too new, is left exactly as it was.
func TestOpenLeavesOtherFilesUnchanged(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, path string){
		"text": func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("this is no database\n", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"another database": func(t *testing.T, path string) { edit(t, path, "CREATE TABLE books (title TEXT)") },
		"another program's migrations": func(t *testing.T, path string) {
			edit(t, path, "CREATE TABLE books (title TEXT)", "CREATE TABLE goose_db_version (version_id INTEGER, is_applied INTEGER)")
		},
		"cut off": func(t *testing.T, path string) {
			fill(t, path)
			if err := os.Truncate(path, 3*4096); err != nil {
				t.Fatal(err)
			}
		},
		"damaged": func(t *testing.T, path string) {
			fill(t, path)
			file, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			if _, err := file.WriteAt([]byte(strings.Repeat("x", 3000)), 100); err != nil {
				t.Fatal(err)
			}
		},
		"newer": func(t *testing.T, path string) {
			fill(t, path)
			edit(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := newFile(t)
			prepare(t, path)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range []record.Options{{}, {ReadOnly: true}} {
				s, err := open.URL(t.Context(), "sqlite://"+path, o)
				if err == nil {
					t.Fatalf("it was opened: %v", s.Close(context.WithoutCancel(t.Context())))
				}
				if coded := lsapi.AsError(err); coded.Code != lsapi.CodeInvalid || !strings.Contains(coded.Message, path) {
					t.Errorf("got %v", err)
				}
			}
			after, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(after, before) {
				t.Errorf("the file was altered (%v)", err)
			}
		})
	}
}

// fill makes a record with a change in it.
func fill(t testing.TB, path string) lsapi.Change {
	t.Helper()
	s, err := open.URL(t.Context(), "sqlite://"+path, record.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := newLane(t, s, lsapi.ELB("web"))
	l.know()
	c := l.do(lsapi.Attach, one)
	if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRecordSurvivesAReopening(t *testing.T) {
	path := newFile(t)
	c := fill(t, path)
	s := openFile(t, path)
	if got, err := s.Change(t.Context(), c.ID); err != nil || got.Outcome != lsapi.OutcomeApplied {
		t.Errorf("got %+v (%v)", got, err)
	}
	lease, err := s.Acquire(t.Context(), lsapi.ELB("web"))
	if err != nil || lease.Epoch <= 1<<32 {
		t.Errorf("got %+v (%v), want a lease of a later epoch that is not resumed", lease, err)
	}
	wantWhole(t, s)
}

func TestSecondProcessIsAStandbyUntilTheFirstCloses(t *testing.T) {
	path := newFile(t)
	first := openFile(t, path)
	l := newLane(t, first, lsapi.ELB("web"))
	l.know(one)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	second := openFile(t, link) // by another name
	wantEqual(t, membersAt(t, second, noon), one)
	for what, err := range map[string]error{
		"ready": second.Ready(t.Context()),
		"take":  errOf(second.Acquire(t.Context(), lsapi.ELB("web"))),
		"append": errorOf(second.Append(t.Context(), l.lease, []lsapi.Event{
			{Kind: lsapi.EventIntended, At: noon, Change: l.change(lsapi.Attach, two)},
		})),
		"reserve": errOf(second.Reserve(t.Context(), lsapi.IdempotencyKey{Key: "k"}, lsapi.Reservation{})),
		"free":    second.Free(t.Context(), lsapi.IdempotencyKey{Key: "k"}, ""),
		"prune":   second.Prune(t.Context(), dayLong),
	} {
		if coded := lsapi.AsError(err); coded.Code != lsapi.CodeUnavailable || !strings.Contains(coded.Message, "standby") {
			t.Errorf("%s: got %v", what, err)
		}
	}
	c := l.do(lsapi.Attach, two)
	if _, err := second.Change(t.Context(), c.ID); err != nil {
		t.Errorf("the standby does not see what the owner writes: %v", err)
	}
	if err := first.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the standby to take over", func() bool { return second.Ready(t.Context()) == nil })
	newLane(t, second, lsapi.ELB("web")).after(time.Hour).do(lsapi.Detach, one)
	wantEqual(t, membersAt(t, second, noon.Add(2*time.Hour)), two)
	wantWhole(t, second)
}

func errOf[T any](_ T, err error) error { return err }

func TestReadOnlyFileRejectsWrites(t *testing.T) {
	path := newFile(t)
	_, err := open.URL(t.Context(), "sqlite://"+path, record.Options{ReadOnly: true})
	wantCode(t, err, lsapi.CodeInvalid)
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("it made the file: %v", err)
	}
	c := fill(t, path)
	reader, err := open.URL(t.Context(), "sqlite://"+path, record.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close(context.WithoutCancel(t.Context()))
	owner := openFile(t, path)
	if err := owner.Ready(t.Context()); err != nil {
		t.Errorf("a reader keeps the owner from its lock: %v", err)
	}
	if _, err := reader.Change(t.Context(), c.ID); err != nil {
		t.Errorf("read: %v", err)
	}
	wantCode(t, reader.Ready(t.Context()), lsapi.CodeUnavailable)
	wantCode(t, errOf(reader.Acquire(t.Context(), lsapi.ELB("web"))), lsapi.CodeUnavailable)
	later := newLane(t, owner, lsapi.ELB("web")).after(time.Hour).do(lsapi.Detach, one)
	if _, err := reader.Change(t.Context(), later.ID); err != nil {
		t.Errorf("the reader does not see what the owner writes: %v", err)
	}
	wantWhole(t, reader)
}

func TestClosedFileReturnsUnavailable(t *testing.T) {
	s, err := open.URL(t.Context(), "sqlite://"+newFile(t), record.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := newLane(t, s, lsapi.ELB("web"))
	for range 2 {
		if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
	_, err = s.Append(t.Context(), l.lease, []lsapi.Event{{Kind: lsapi.EventIntended, Change: l.change(lsapi.Attach, one)}})
	wantCode(t, err, lsapi.CodeUnavailable)
	wantCode(t, s.Ready(t.Context()), lsapi.CodeUnavailable)
	_, err = s.ChainEnds(t.Context())
	wantCode(t, err, lsapi.CodeUnavailable)
}
