package e2e

import (
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// clockVariable names the file with the offset of a process's clock.
const clockVariable = "E2E_CLOCK_FILE"

// shiftedClock is a file for the main package of the service.
//
//go:embed testdata/shifted_clock.go.txt
var shiftedClock string

// build builds the service in a folder, with files replaced or added.
func build(folder string, replaced map[string]string) (built string, err error) {
	replacements := make(map[string]string)
	for path, text := range replaced {
		replacements[path] = filepath.Join(folder, filepath.Base(path))
		if err := os.WriteFile(replacements[path], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replacements})
	if err != nil {
		return "", err
	}
	overlay, built := filepath.Join(folder, "overlay.json"), filepath.Join(folder, "lsapi")
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		return "", err
	}
	if err := compile(built, "-overlay", overlay); err != nil {
		return "", err
	}
	return built, nil
}

// clockBinary returns a service with a shiftable clock, built once for all tests.
var clockBinary = sync.OnceValues(func() (string, error) {
	added, err := filepath.Abs("../cmd/lsapi/shifted_clock.go")
	if err != nil {
		return "", err
	}
	at := filepath.Join(filepath.Dir(binary), "clock") // removed with the other binary
	if err := os.Mkdir(at, 0o700); err != nil {
		return "", err
	}
	return build(at, map[string]string{added: shiftedClock})
})

// withClock runs a process whose wall clock, but not its monotonic clock, has the offset
// in the file, also when that changes.
func withClock(t *testing.T, file, by string) setting {
	t.Helper()
	began := time.Now()
	built, err := clockBinary()
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > time.Second {
		t.Logf("building the service with a clock that can be shifted took %v", took.Round(time.Second))
	}
	setClock(t, file, by)
	return func(c *exec.Cmd) {
		c.Path = built
		c.Env = append(c.Env, clockVariable+"="+file)
	}
}

// guards are what keeps a replica whose lease is over from going on, in
// internal/record/postgres/leases.go, and what stands there without it.
var guards = map[string]string{
	"if len(epochs) == 0 {\n\t\treturn lsapi.Lease{}, record.LeaseLost":         "if len(epochs) > 1 {\n\t\treturn lsapi.Lease{}, record.LeaseLost",
	"if len(rows) == 0 {\n\t\treturn time.Time{}, record.LeaseLost(lease.Pool)": "if len(rows) == 0 {\n\t\treturn time.Now(), nil",
}

// fencing runs replicas without the guards if the flag is set.
func fencing(t *testing.T) []setting {
	t.Helper()
	if !*unfenced {
		return nil
	}
	guarded := absolute(t, "../internal/record/postgres/leases.go")
	text, err := os.ReadFile(guarded)
	if err != nil {
		t.Fatal(err)
	}
	source := string(text)
	for guard, instead := range guards {
		if strings.Count(source, guard) != 1 {
			t.Fatalf("the guard is not there: %s", guard)
		}
		source = strings.Replace(source, guard, instead, 1)
	}
	built, err := build(t.TempDir(), map[string]string{guarded: source})
	if err != nil {
		t.Fatal(err)
	}
	return []setting{func(c *exec.Cmd) { c.Path = built }}
}
