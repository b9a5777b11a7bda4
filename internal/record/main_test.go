package record_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"lsapi/internal/record"
	"lsapi/internal/record/open"
)

// A test that needs a process of its own, to kill it or to take its disk away, runs
// this binary again with one of these set to the path of a record.
const (
	crashVariable = "LSAPI_STORE_CRASH"
	limitVariable = "LSAPI_STORE_LIMIT"

	migrateVariable = "LSAPI_STORE_MIGRATE" // the URL of a record
)

func TestMain(m *testing.M) {
	if path := os.Getenv(crashVariable); path != "" {
		writeUntilKilled(path)
		os.Exit(1)
	}
	if url := os.Getenv(migrateVariable); url != "" {
		_, err := open.URL(context.Background(), url, record.Options{})
		fmt.Fprintln(os.Stderr, "the migration ended:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}
