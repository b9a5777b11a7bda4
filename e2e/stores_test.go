package e2e

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"lsapi/internal/record/postgrestest"
)

// place returns the STORE_URL of an empty record, which processes can share.
type place func(t *testing.T) string

// places are the stores of a record. All have the same promises.
var places = map[string]place{
	"PostgreSQL": func(t *testing.T) string { return postgrestest.URL(t) },
	"SQLite":     func(t *testing.T) string { return sqliteURL(filepath.Join(t.TempDir(), "lsapi.db")) },
}

// everywhere runs a parallel test for each place.
func everywhere(t *testing.T, test func(t *testing.T, store string)) {
	t.Parallel()
	for name, empty := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, empty(t))
		})
	}
}

func sqliteURL(path string) string { return "sqlite://" + path }

// at sets the store of a service.
func at(store string) setting { return with("STORE_URL=" + store) }

// kill ends the process, as a power failure does.
func (p *process) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	p.wait()
}

// changesCommand runs lsapi changes on a store, which a service may have open.
func changesCommand(t *testing.T, store string, arguments ...string) (status int, stdout, stderr string) {
	t.Helper()
	return run(t, append([]string{"changes"}, arguments...), at(store))
}

// verify asserts that the record is valid and matches the checkpoints.
func verify(t *testing.T, store string, checkpoints ...string) {
	t.Helper()
	arguments := []string{"verify"}
	for _, file := range checkpoints {
		arguments = append(arguments, "--checkpoint", file)
	}
	if status, stdout, stderr := changesCommand(t, store, arguments...); status != 0 || !strings.HasPrefix(stdout, "whole: ") {
		t.Errorf("the record is not whole: status %d, %s%s", status, stdout, stderr)
	}
}
