package packaging_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestPackagesReplaceNoFolderAboveTheScript(t *testing.T) {
	script, err := os.ReadFile("packages.sh")
	if err != nil {
		t.Fatal(err)
	}
	above := t.TempDir()
	root := filepath.Join(above, "root")
	file := filepath.Join(root, "packaging", "packages.sh")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, script, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dist := range []string{".", "..", root, above, filepath.Join(root, "dist", "..")} {
		command := exec.CommandContext(t.Context(), "bash", file)
		command.Env = append(os.Environ(), "DIST="+dist, "VERSION=v1.0.0", "COMMIT=c", "SOURCE_DATE_EPOCH=0")
		out, err := command.CombinedOutput()
		if err == nil || command.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "holds this one") {
			t.Errorf("DIST=%s: %v\n%s", dist, err, out)
		}
		if _, err := os.Stat(file); err != nil {
			t.Fatalf("DIST=%s: %v", dist, err)
		}
	}
}
