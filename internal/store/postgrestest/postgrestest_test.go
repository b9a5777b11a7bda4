package postgrestest_test

import (
	"testing"

	"lsapi/internal/store/postgrestest"
)

func TestEachDatabaseIsEmpty(t *testing.T) {
	for range 2 {
		postgrestest.Exec(t, postgrestest.URL(t), "CREATE TABLE t (n integer)")
	}
}
