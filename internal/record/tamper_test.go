package record_test

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
)

// A record to tamper with: events 1 checkpoint, 2-3 attach of one, 4-5 detach of
// one, 6 checkpoint of the next day, 7-8 attach of two, 9 intent of three.
func toTamperWith(t *testing.T) (s record.Store, path string) {
	path = newFile(t)
	s = openFile(t, path)
	l := newLane(t, s, lsapi.ELB("web"))
	l.know()
	l.do(lsapi.Attach, one)
	l.do(lsapi.Detach, one)
	l.after(dayLong).do(lsapi.Attach, two)
	l.intend(l.change(lsapi.Attach, three))
	other := newLane(t, s, lsapi.ELB("www"))
	other.know(one)
	wantWhole(t, s, chainEnds(t, s)...)
	return s, path
}

// insertedChange copies the change of event 3.
const insertedChange = `
	INSERT INTO changes (
		id, pool, member, actor, action, reason, request_id, source, not_before, deadline, outcome, code, resolution, completed_at,
		aws_request_id, members_before, members_after, instance_type, launch_time, instance_state, first_seq, last_seq
	)
	SELECT
		x'00000000000070008000000000000001', pool, member, actor, action, reason, request_id, source, not_before, deadline, outcome, code, resolution, completed_at,
		aws_request_id, members_before, members_after, instance_type, launch_time, instance_state, first_seq, last_seq
	FROM changes WHERE last_seq = 3`

func TestVerifyFindsAlterations(t *testing.T) {
	for name, test := range map[string]struct {
		statements []string
		pool       lsapi.PoolID
		seq        int64
	}{
		"an event's payload":      {[]string{"UPDATE events SET payload = CAST(replace(payload, 'alice', 'mallory') AS BLOB) WHERE pool = 'default/elb/web' AND seq = 4"}, lsapi.ELB("web"), 4},
		"an event's time":         {[]string{"UPDATE events SET at = at + 1 WHERE pool = 'default/elb/web' AND seq = 3"}, lsapi.ELB("web"), 3},
		"an event's kind":         {[]string{"UPDATE events SET kind = 'resolved' WHERE pool = 'default/elb/web' AND seq = 3"}, lsapi.ELB("web"), 3},
		"an event's change":       {[]string{"UPDATE events SET change_id = x'' WHERE pool = 'default/elb/web' AND seq = 3"}, lsapi.ELB("web"), 3},
		"an event's hash":         {[]string{"UPDATE events SET hash = zeroblob(32) WHERE pool = 'default/elb/web' AND seq = 2"}, lsapi.ELB("web"), 2},
		"an event in the middle":  {[]string{"DELETE FROM events WHERE pool = 'default/elb/web' AND seq = 3"}, lsapi.ELB("web"), 4},
		"the last event":          {[]string{"DELETE FROM events WHERE pool = 'default/elb/web' AND seq = 9"}, lsapi.ELB("web"), 9},
		"the first event":         {[]string{"DELETE FROM events WHERE pool = 'default/elb/web' AND seq = 1"}, lsapi.ELB("web"), 2},
		"all events":              {[]string{"DELETE FROM events WHERE pool = 'default/elb/www'"}, lsapi.ELB("www"), 1},
		"events moved":            {[]string{"UPDATE events SET pool = 'default/elb/xyz' WHERE pool = 'default/elb/www'", "UPDATE logs SET pool = 'default/elb/xyz' WHERE pool = 'default/elb/www'", "UPDATE members SET pool = 'default/elb/xyz' WHERE pool = 'default/elb/www'"}, lsapi.ELB("xyz"), 1},
		"a log's row":             {[]string{"UPDATE logs SET last_hash = zeroblob(32) WHERE pool = 'default/elb/web'"}, lsapi.ELB("web"), 9},
		"a log's row, gone":       {[]string{"DELETE FROM logs WHERE pool = 'default/elb/web'"}, lsapi.ELB("web"), 1},
		"a log without events":    {[]string{"DELETE FROM logs WHERE pool = 'default/elb/www'", "DELETE FROM events WHERE pool = 'default/elb/www'"}, lsapi.PoolID{}, 0},
		"the front of a log":      {[]string{"DELETE FROM events WHERE pool = 'default/elb/web' AND seq < 4", "UPDATE logs SET first_seq = 4 WHERE pool = 'default/elb/web'"}, lsapi.ELB("web"), 4},
		"a change's actor":        {[]string{"UPDATE changes SET actor = 'mallory' WHERE last_seq = 5"}, lsapi.ELB("web"), 5},
		"a change's count":        {[]string{"UPDATE changes SET members_after = NULL WHERE last_seq = 5"}, lsapi.ELB("web"), 5},
		"an open change":          {[]string{"UPDATE changes SET outcome = 'failed' WHERE first_seq = 9"}, lsapi.ELB("web"), 9},
		"a change, gone":          {[]string{"DELETE FROM changes WHERE last_seq = 3"}, lsapi.ELB("web"), 3},
		"an inserted change":      {[]string{insertedChange}, lsapi.ELB("web"), 0},
		"an event behind the end": {[]string{"INSERT INTO events (pool, seq, at, kind, change_id, payload, prev_hash, hash) SELECT pool, 10, at, kind, change_id, payload, prev_hash, hash FROM events WHERE pool = 'default/elb/web' AND seq = 9"}, lsapi.ELB("web"), 9},
		"a change of nowhere":     {[]string{"UPDATE changes SET pool = 'default/elb/zzz' WHERE last_seq = 3"}, lsapi.ELB("web"), 3},
		"a member's event":        {[]string{"UPDATE members SET seq = 3 WHERE pool = 'default/elb/web'"}, lsapi.ELB("web"), 3},
		"a member, gone":          {[]string{"DELETE FROM members WHERE pool = 'default/elb/web'"}, lsapi.ELB("web"), 8},
		"an inserted member":      {[]string{"INSERT INTO members VALUES ('default/elb/web', 'i-99999999', 0)"}, lsapi.ELB("web"), 0},
		"a member of nowhere":     {[]string{"INSERT INTO members VALUES ('zzz', 'i-99999999', 0)"}, lsapi.PoolID{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s, path := toTamperWith(t)
			edit(t, path, test.statements...)
			found := verify(t, s)
			if found.Breach == nil {
				t.Fatal("nothing was found")
			}
			if found.Breach.Pool != test.pool || found.Breach.Seq != test.seq || found.Breach.Why == "" {
				t.Errorf("got %+v, want it at event %d of %q", *found.Breach, test.seq, test.pool)
			}
		})
	}
}

// The end of a log can be rewritten with valid hashes. A noted checkpoint reveals it.
func TestVerifyFindsARemovedTailByItsCheckpoint(t *testing.T) {
	s, path := toTamperWith(t)
	noted := chainEnds(t, s)
	edit(t, path,
		"UPDATE logs SET last_seq = 8, last_hash = (SELECT hash FROM events WHERE pool = 'default/elb/web' AND seq = 8), last_at = (SELECT at FROM events WHERE pool = 'default/elb/web' AND seq = 8) WHERE pool = 'default/elb/web'",
		"DELETE FROM events WHERE pool = 'default/elb/web' AND seq = 9", "DELETE FROM changes WHERE first_seq = 9")
	wantWhole(t, s)
	if found := verify(t, s, noted...); found.Breach == nil || found.Breach.Pool != lsapi.ELB("web") || found.Breach.Seq != 9 {
		t.Errorf("got %+v, want that event 9 of web is missing", found.Breach)
	}
}

func TestVerifyFindsARehashedCheckpoint(t *testing.T) {
	s, path := toTamperWith(t)
	db := openDB(t, path)
	rehash(t, db, 6, []byte(`"members":{}`), []byte(`"members":{"i-99999999":0}`))
	if found := verify(t, s); found.Breach == nil || found.Breach.Seq != 6 {
		t.Errorf("got %+v, want event 6", found.Breach)
	}
	// With all that follows hashed anew too, it is still not what the events add up to.
	for seq := 7; seq <= 9; seq++ {
		rehash(t, db, seq, nil, nil)
	}
	if _, err := db.ExecContext(t.Context(), "UPDATE logs SET last_hash = (SELECT hash FROM events WHERE pool = 'default/elb/web' AND seq = 9) WHERE pool = 'default/elb/web'"); err != nil {
		t.Fatal(err)
	}
	if found := verify(t, s); found.Breach == nil || found.Breach.Seq != 6 {
		t.Errorf("got %+v, want event 6", found.Breach)
	}
}

// openDB opens the file past the store.
func openDB(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// rehash replaces something in an event of "web", and hashes it so that it follows
// the one before it.
func rehash(t *testing.T, db *sql.DB, seq int, old, replacement []byte) {
	t.Helper()
	var prev, payload []byte
	err := db.QueryRowContext(t.Context(),
		"SELECT (SELECT hash FROM events WHERE pool = 'default/elb/web' AND seq = ?1 - 1), payload FROM events WHERE pool = 'default/elb/web' AND seq = ?1", seq).Scan(&prev, &payload)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(payload, old) {
		t.Fatalf("event %d is %s", seq, payload)
	}
	payload = bytes.Replace(payload, old, replacement, 1)
	sum := sha256.Sum256(append(prev, payload...))
	if _, err := db.ExecContext(t.Context(), "UPDATE events SET prev_hash = ?, payload = ?, hash = ? WHERE pool = 'default/elb/web' AND seq = ?", prev, payload, sum[:], seq); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyReadsOneStateDuringWrites(t *testing.T) {
	s := openFile(t, newFile(t))
	stop, ended := make(chan struct{}), make(chan struct{})
	l := newLane(t, s, lsapi.ELB("web"))
	go func() {
		defer close(ended)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				l.do(lsapi.Attach, lsapi.InstanceMember(fmt.Sprintf("i-%08x", i%50)))
			}
		}
	}()
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); {
		wantWhole(t, s)
	}
	close(stop)
	<-ended
}

// A log whose end is damaged cannot be continued. Others are none the worse for it.
func TestDamagedLogFailsNoOtherLog(t *testing.T) {
	path := newFile(t)
	s := openFile(t, path)
	damaged, whole := newLane(t, s, lsapi.ELB("damaged")), newLane(t, s, lsapi.ELB("whole"))
	damaged.know(one)
	damaged.do(lsapi.Detach, one)
	edit(t, path, "UPDATE logs SET last_seq = 1 WHERE pool = 'default/elb/damaged'")
	var writers sync.WaitGroup
	for range 10 {
		bad := damaged.change(lsapi.Attach, two)
		writers.Go(func() {
			wantCode(t, errorOf(s.Append(t.Context(), damaged.lease, []lsapi.Event{{Kind: lsapi.EventIntended, At: noon, Change: bad}})), lsapi.CodeUnavailable)
		})
		for range 10 {
			good := whole.change(lsapi.Attach, two)
			writers.Go(func() {
				wantCode(t, errorOf(s.Append(t.Context(), whole.lease, []lsapi.Event{{Kind: lsapi.EventIntended, At: noon, Change: good}})), "")
			})
		}
	}
	writers.Wait()
}

// A forger who pretends that the record was pruned voids all checkpoints noted before.
// Verify says that they prove nothing, and the command fails then.
func TestVerifyReportsCheckpointsThatAForgedPruningVoids(t *testing.T) {
	path := newFile(t)
	s := openFile(t, path)
	l := newLane(t, s, lsapi.ELB("web"))
	l.know()
	l.do(lsapi.Attach, one)
	noted := chainEnds(t, s) // kept elsewhere
	for i := range 40 {
		l.do(lsapi.Attach, lsapi.InstanceMember(fmt.Sprintf("i-%08x", i+100)))
	}
	wantWhole(t, s, noted...)
	cut := 0
	db := openDB(t, path)
	if err := db.QueryRowContext(t.Context(), "SELECT max(seq) FROM events WHERE pool = 'default/elb/web' AND kind = 'checkpoint'").Scan(&cut); err != nil || cut < 2 {
		t.Fatal(cut, err)
	}
	var last int
	if err := db.QueryRowContext(t.Context(), "SELECT max(seq) FROM events WHERE pool = 'default/elb/web'").Scan(&last); err != nil {
		t.Fatal(err)
	}
	edit(t, path,
		fmt.Sprintf("DELETE FROM events WHERE pool = 'default/elb/web' AND seq < %d", cut),
		fmt.Sprintf("DELETE FROM changes WHERE last_seq < %d", cut),
		fmt.Sprintf("UPDATE logs SET first_seq = %d", cut),
		fmt.Sprintf("UPDATE changes SET actor = 'mallory' WHERE first_seq = %d", last-1))
	rehash(t, db, last-1, []byte(`"actor":"alice"`), []byte(`"actor":"mallory"`))
	rehash(t, db, last, nil, nil)
	edit(t, path, fmt.Sprintf("UPDATE logs SET last_hash = (SELECT hash FROM events WHERE pool = 'default/elb/web' AND seq = %d) WHERE pool = 'default/elb/web'", last))
	if found := verify(t, s, noted...); found.Breach == nil && len(found.Pruned) != len(noted) {
		t.Errorf("the front was removed and an actor changed: %+v", found)
	}
}

// The breach names the inserted change among valid ones.
func TestVerifyFindsAnInsertedChange(t *testing.T) {
	s, path := toTamperWith(t)
	l := newLane(t, s, lsapi.ELB("web"))
	l.now = noon.Add(2 * dayLong)
	for range 20 {
		l.after(time.Second).do(lsapi.Attach, three)
		l.after(time.Second).do(lsapi.Detach, three)
	}
	wantWhole(t, s)
	edit(t, path, insertedChange)
	if found := verify(t, s); found.Breach == nil || found.Breach.ChangeID != "00000000-0000-7000-8000-000000000001" {
		t.Errorf("got %+v", found.Breach)
	}
}
