package postgrestest_test

import (
	"testing"

	"lsapi/internal/record/postgrestest"
)

func TestEachDatabaseIsEmpty(t *testing.T) {
	for range 2 {
		postgrestest.Exec(t, postgrestest.URL(t), "CREATE TABLE t (n integer)")
	}
}
