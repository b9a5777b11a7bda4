// Package e2e tests the built binary from outside: its commands as processes, the service
// over HTTP, with the emulator as AWS.
package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestMain(m *testing.M) {
	status, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// binary is the path of the lsapi under test. TestMain sets it.
var binary string

func buildAndRun(m *testing.M) (int, error) {
	folder, err := os.MkdirTemp("", "lsapi-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(folder)
	binary = filepath.Join(folder, "lsapi")

	if err := compile(binary); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// compile builds lsapi, with the race detector if the tests have it, so that both use the
// same compiled packages.
func compile(to string, flags ...string) error {
	arguments := append([]string{"build", "-ldflags=-s -w", "-o", to}, flags...)
	if raceEnabled {
		arguments = append(arguments, "-race")
	}
	build := exec.CommandContext(context.Background(), "go", append(arguments, "lsapi/cmd/lsapi")...)
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", build.Args, err, output)
	}
	return nil
}
