package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestInodeReportsARemovedOrReplacedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	write := func(path string) {
		t.Helper()
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(path)
	file, err := inodeOf(path)
	if err != nil || file.intact() != nil {
		t.Fatalf("it is not intact: %v, %v", err, file.intact())
	}
	write(path + "2")
	if err := os.Rename(path+"2", path); err != nil {
		t.Fatal(err)
	}
	if err := file.intact(); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another in its place: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := file.intact(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed: %v", err)
	}
}

// The lock's name must not depend on the folder that the process is in.
func TestRelativePathOfARecordIsMadeAbsolute(t *testing.T) {
	t.Chdir(t.TempDir())
	if f, err := find("lsapi.db"); err != nil || !filepath.IsAbs(f.path) {
		t.Errorf("it is %q, %v", f.path, err)
	}
}
