package lsapi_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Apache-2.0 demands that the notices of what the binary contains come with it.
func TestNoticeHasTheNoticesOfModulesInTheBinary(t *testing.T) {
	notice, err := os.ReadFile("NOTICE")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Dir}}{{end}}{{end}}", "./cmd/lsapi")
	list.Stderr = os.Stderr
	folders, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := []string{"api/docs/NOTICE"}
	seen := make(map[string]bool)
	for folder := range strings.FieldsSeq(string(folders)) {
		if found, err := filepath.Glob(folder + "/NOTICE*"); err == nil && !seen[folder] {
			files = append(files, found...)
		}
		seen[folder] = true
	}
	if len(files) < 5 {
		t.Errorf("only %q have notices", files)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); !strings.Contains(string(notice), line) {
				t.Errorf("NOTICE lacks a line of %s: %s", file, line)
			}
		}
	}
}
