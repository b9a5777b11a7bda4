package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// fleetFile writes a fleet file and returns its path.
func fleetFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "fleet.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// absolute returns the absolute path of a file, for processes that run elsewhere.
func absolute(t *testing.T, path string) string {
	t.Helper()
	found, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return found
}
