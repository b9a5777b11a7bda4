package record_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// A test that needs a process of its own, to kill it or to take its disk away, runs
// this binary again with one of these set to the path of a record.
const (
	crashVariable = "LSAPI_STORE_CRASH"
	limitVariable = "LSAPI_STORE_LIMIT"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(crashVariable); path != "" {
		writeUntilKilled(path)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}
