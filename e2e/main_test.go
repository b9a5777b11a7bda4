// Package e2e tests the built binary as its users meet it: its commands as
// processes, the service over HTTP, AWS as the emulator behind it.
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

// binary is the lsapi under test. TestMain alone sets it.
var binary string

func buildAndRun(m *testing.M) (int, error) {
	folder, err := os.MkdirTemp("", "lsapi-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(folder)
	binary = filepath.Join(folder, "lsapi")

	arguments := []string{"build", "-o", binary}
	if raceEnabled {
		// The processes are watched for races like the tests themselves.
		arguments = append(arguments, "-race")
	}
	build := exec.CommandContext(context.Background(), "go", append(arguments, "lsapi/cmd/lsapi")...)
	if output, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%v: %w\n%s", build.Args, err, output)
	}
	return m.Run(), nil
}
