package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// lockTable locks a table of a PostgreSQL record until release is called.
func lockTable(t *testing.T, store, table string) (release func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"BEGIN", "LOCK TABLE " + table + " IN ACCESS EXCLUSIVE MODE"} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := conn.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// waitsForLock reports whether a session of the server waits for a lock on a table.
func waitsForLock(t *testing.T, store, table string) bool {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var waiting int
	err = conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::regclass", table).Scan(&waiting)
	if err != nil {
		t.Fatal(err)
	}
	return waiting > 0
}

// When all clients disconnect while a replica reads another replica's changes, it must
// read the record again before its next decision.
func TestReplicaRereadsRecordAfterClientDisconnected(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, nil)
	one, other := c.replicas[0].client(), c.replicas[1].client()
	for _, answer := range []response{one.attach("default-elb", spare), other.attach("default-elb", otherSpare)} {
		if answer.status != http.StatusCreated {
			t.Fatalf("it is %d: %s", answer.status, answer.body)
		}
	}
	release := lockTable(t, c.store, "changes")
	left := make(chan error, 1)
	go func() {
		_, err := one.within(time.Second, http.MethodPost, "/elb/default-elb", machineID(spareOfOld))
		left <- err
	}()
	eventually(t, "the replica reads the record", func() bool { return waitsForLock(t, c.store, "changes") })
	if err := <-left; err == nil {
		t.Error("the client has an answer although the record was locked")
	}
	release()
	// The change of the disconnected client may already have been sent.
	if answer := one.attach("default-elb", spareOfOld); answer.status != http.StatusCreated && answer.status != http.StatusConflict {
		t.Errorf("when the record can be read again, the attach is %d: %s", answer.status, answer.body)
	}
	for _, recorded := range one.changes("pool=elb/default-elb") {
		if recorded.Source != "lsapi" {
			t.Errorf("there was no external change, but on record is %+v", recorded)
		}
	}
	verify(t, c.store)
}
