package e2e

import (
	_ "embed"
	"encoding/json"
	"fmt"
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

// shiftedClock is a file for Go's package time.
//
//go:embed testdata/shifted_clock.go.txt
var shiftedClock string

// the clock that Go's time.Now reads, and its replacement with an offset.
const (
	realNow    = "\tsec, nsec, mono := runtimeNow()\n\tif mono == 0 {"
	shiftedNow = "\tsec, nsec, mono := runtimeNow()\n\tsec, nsec = shifted(sec, nsec)\n\tif mono == 0 {"
)

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
	if output, err := exec.Command("go", "build", "-overlay", overlay, "-o", built, "lsapi/cmd/lsapi").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, output)
	}
	return built, nil
}

// clockBinary returns a service with a shiftable clock, built once for all tests.
var clockBinary = sync.OnceValues(func() (string, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	source, err := os.ReadFile(filepath.Join(folder, "time.go"))
	if err != nil {
		return "", err
	}
	if strings.Count(string(source), realNow) != 1 {
		return "", fmt.Errorf("time.Now of this Go does not begin with %q", realNow)
	}
	at := filepath.Join(filepath.Dir(binary), "clock") // removed with the other binary
	if err := os.Mkdir(at, 0o700); err != nil {
		return "", err
	}
	return build(at, map[string]string{
		filepath.Join(folder, "time.go"):          strings.Replace(string(source), realNow, shiftedNow, 1),
		filepath.Join(folder, "shifted_clock.go"): shiftedClock,
	})
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
