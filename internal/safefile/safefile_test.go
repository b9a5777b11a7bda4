package safefile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"lsapi/internal/safefile"
)

func write(t *testing.T, text string, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func pipe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadDropsByteOrderMark(t *testing.T) {
	text, err := safefile.Read(write(t, "\ufeffabc", 0o640), 6)
	if err != nil || string(text) != "abc" {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestReadRejectsUnsafeFiles(t *testing.T) {
	for name, test := range map[string]struct{ path, says string }{
		"world-writable":          {write(t, "abc", 0o602), "chmod o-w"},
		"too large":               {write(t, "abcdefg", 0o600), "larger than 6 bytes"},
		"a device":                {"/dev/zero", "not a regular file"},
		"a pipe without a writer": {pipe(t), "not a regular file"},
		"a directory":             {t.TempDir(), "is a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := safefile.Read(test.path, 6)
			if err == nil || !strings.Contains(err.Error(), test.says) || text != nil {
				t.Fatalf("got %q, %v", text, err)
			}
			if strings.Contains(err.Error(), test.path) {
				t.Errorf("%q names the path", err)
			}
		})
	}
}

func TestReadReportsMissingFile(t *testing.T) {
	if _, err := safefile.Read(filepath.Join(t.TempDir(), "none"), 6); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestReadTakesNullDeviceAsEmpty(t *testing.T) {
	if text, err := safefile.Read(os.DevNull, 10); err != nil || len(text) > 0 {
		t.Errorf("got %q, %v", text, err)
	}
}
