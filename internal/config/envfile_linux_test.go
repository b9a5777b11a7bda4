package config_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// As with `sudo -u lsapi lsapi changes list`, in the home of another user.
func TestDefaultEnvFileInClosedFolderIsNotRead(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "home")
	path := filepath.Join(folder, ".env")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("LISTEN=:9000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	byDefault, named := sources(t), sources(t, "--env-file="+path)
	byDefault.EnvFile = path
	withoutSearch(t, folder)
	if cfg := load(t, byDefault); cfg.Listen != ":8000" {
		t.Errorf("it listens on %s", cfg.Listen)
	}
	if found := problems(t, named); len(found) != 1 || !strings.Contains(found[0], "permission denied") {
		t.Errorf("a file that is named: %q", found)
	}
}

// withoutSearch keeps this test from searching a folder, as root too.
func withoutSearch(t *testing.T, folder string) {
	t.Helper()
	if err := os.Chmod(folder, 0); err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	if err := syscall.Setfsuid(65534); err != nil { // root alone may; its rights to files are suspended
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Setfsuid(os.Geteuid()); err != nil {
			t.Error(err)
		}
		runtime.UnlockOSThread()
		if err := os.Chmod(folder, 0o700); err != nil {
			t.Error(err)
		}
	})
}
