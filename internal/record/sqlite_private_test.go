package record_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/open"
)

// opened opens and closes a file, and returns the log.
func opened(t *testing.T, path string) string {
	t.Helper()
	var log bytes.Buffer
	s, err := open.URL(t.Context(), "sqlite://"+path, record.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	return log.String()
}

func TestFilesAreReadableByTheirOwnerOnly(t *testing.T) {
	path := newFile(t)
	s := openFile(t, path)
	newLane(t, s, lsapi.ELB("web")).know(one)
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 4 {
		t.Fatalf("the files are %v (%v), want the record, its log, its index and its lock", files, err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v (%v)", file, info.Mode(), err)
		}
	}
}

func TestOwnerLogsAFileThatOthersCanRead(t *testing.T) {
	path := newFile(t)
	if log := opened(t, path); log != "" {
		t.Errorf("a file that was made now: the log says %s", log)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if log := opened(t, path); strings.Count(log, "level=WARN") != 1 || !strings.Contains(log, "chmod 600") || !strings.Contains(log, path) {
		t.Errorf("a file that a group can read: the log says %q", log)
	}
}

// A user with access to the folder could have any file created or locked by a link.
func TestLockFollowsNoLink(t *testing.T) {
	path, victim := newFile(t), filepath.Join(t.TempDir(), "victim")
	if err := os.Symlink(victim, path+".lock"); err != nil {
		t.Fatal(err)
	}
	s, err := open.URL(t.Context(), "sqlite://"+path, record.Options{})
	if err == nil {
		t.Errorf("it was opened: %v", s.Close(context.WithoutCancel(t.Context())))
	} else if lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
		t.Errorf("got %v", err)
	}
	if _, err := os.Lstat(victim); err == nil {
		t.Error("the lock's link was followed")
	}
}
