package postgrestest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"lsapi/internal/record/postgrestest"
)

func TestServerKeepsCommitsAcrossACrash(t *testing.T) {
	server := postgrestest.New(t)
	postgrestest.Exec(t, server.URL(), "CREATE TABLE t (n integer)", "INSERT INTO t VALUES (1)")
	url := server.URL()
	server.Restart(func() {
		if conn, err := pgx.Connect(t.Context(), url); err == nil {
			t.Error("it answers while it is away")
			conn.Close(t.Context())
		}
	})
	if server.URL() != url {
		t.Errorf("its URL was %s and is %s", url, server.URL())
	}
	postgrestest.Exec(t, server.URL(), "SELECT 1/count(*) FROM t") // by nothing, were the row lost
}
