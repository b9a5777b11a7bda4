package record_test

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
	"github.com/pressly/goose/v3"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/open"
	"lsapi/internal/record/postgrestest"
)

// old is a record as the first lsapi made it, opened past the store.
type old struct {
	t  testing.TB
	db *sql.DB
	// moment is how the database stores noon.
	moment string
	bytes  func([]byte) string
	none   string // how it stores that an event is about no change
	last   [sha256.Size]byte
	seq    int
}

// upgrades are the engines, with a record of the first form in each: the
// membership of "web" is one.
func upgrades(t *testing.T, test func(t *testing.T, o *old, url string)) {
	t.Run("sqlite", func(t *testing.T) {
		path := newFile(t)
		o := &old{t: t, moment: fmt.Sprint(noon.UnixMicro()), bytes: func(b []byte) string { return fmt.Sprintf("x'%x'", b) }, none: "x''"}
		o.make("sqlite", path, goose.DialectSQLite3, "sqlite/migrations")
		test(t, o, "sqlite://"+path)
	})
	t.Run("postgres", func(t *testing.T) {
		url := postgrestest.URL(t)
		o := &old{t: t, moment: "'" + noon.Format(time.RFC3339) + "'", bytes: func(b []byte) string { return fmt.Sprintf("'\\x%x'", b) }, none: "NULL"}
		o.make("pgx", url, goose.DialectPostgres, "postgres/migrations")
		test(t, o, url)
	})
}

func (o *old) make(driver, name string, dialect goose.Dialect, folder string) {
	o.t.Helper()
	var err error
	if o.db, err = sql.Open(driver, name); err != nil {
		o.t.Fatal(err)
	}
	o.db.SetMaxOpenConns(1)
	o.t.Cleanup(func() { o.db.Close() })
	provider, err := goose.NewProvider(dialect, o.db, os.DirFS(folder), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := provider.UpTo(o.t.Context(), 1); err != nil {
		o.t.Fatal(err)
	}
	o.exec(fmt.Sprintf("INSERT INTO logs VALUES ('web', 1, 0, %[1]s, %[2]s, %[3]s, %[1]s, %[1]s, 0, 1)", o.moment, o.bytes(o.last[:]), map[string]string{"sqlite": "1", "pgx": "true"}[driver]))
	o.exec("INSERT INTO members VALUES ('web', '" + one.String() + "', 0)")
	o.checkpoint()
}

func (o *old) exec(statement string) {
	o.t.Helper()
	if _, err := o.db.ExecContext(o.t.Context(), statement); err != nil {
		o.t.Fatalf("%s: %v", statement, err)
	}
}

// checkpoint appends a checkpoint, as the first lsapi did.
func (o *old) checkpoint() {
	o.t.Helper()
	o.seq++
	text := fmt.Sprintf(`{"loadBalancer":"web","seq":%d,"at":"2025-11-02T12:00:00Z","kind":"checkpoint","until":"2025-11-02T12:00:00Z","members":{%q:0}}`, o.seq, one)
	sum := sha256.Sum256(append(o.last[:], text...))
	payload := "'" + text + "'"
	if o.none == "x''" {
		payload = o.bytes([]byte(text))
	}
	o.exec(fmt.Sprintf("INSERT INTO events (load_balancer, seq, at, kind, change_id, payload, prev_hash, hash) VALUES ('web', %d, %s, 'checkpoint', %s, %s, %s, %s)",
		o.seq, o.moment, o.none, payload, o.bytes(o.last[:]), o.bytes(sum[:])))
	o.exec(fmt.Sprintf("UPDATE logs SET last_seq = %d, checkpoint_seq = %[1]d, last_hash = %s", o.seq, o.bytes(sum[:])))
	o.last = sum
}

// follow makes what the store has appended since known.
func (o *old) follow() {
	o.t.Helper()
	var sum []byte
	if err := o.db.QueryRowContext(o.t.Context(), "SELECT last_seq, last_hash FROM logs").Scan(&o.seq, &sum); err != nil {
		o.t.Fatal(err)
	}
	o.last = [sha256.Size]byte(sum)
}

func TestMigratedRecordContinues(t *testing.T) {
	upgrades(t, func(t *testing.T, _ *old, url string) {
		_, err := open.URL(t.Context(), url, record.Options{ReadOnly: true})
		if coded := lsapi.AsError(err); coded.Code != lsapi.CodeInvalid || !strings.Contains(coded.Message, "older lsapi") {
			t.Errorf("read only, it is opened with %v", err)
		}
		s := openURL(t, url, record.Options{})
		wantWhole(t, s)
		l := newLane(t, s, lsapi.ELB("web"))
		if state := l.state(); !state.Known || !state.Members[one] {
			t.Errorf("the membership is lost: %+v", state)
		}
		if all := events(t, s, lsapi.Position{}, 10); len(all) != 0 || end(t, s) == (lsapi.Position{}) {
			t.Errorf("an event without a position is read: %+v, %+v", all, end(t, s))
		}
		l.say(inService(one))
		if all := events(t, s, lsapi.Position{}, 10); len(all) != 1 || all[0].Event.Kind != lsapi.EventHealth {
			t.Errorf("got %+v", all)
		}
		l.after(dayLong).do(lsapi.Attach, two)
		wantHealth(t, s, lsapi.ELB("web"), inService(one))
		wantWhole(t, s, heads(t, s)...)
		openURL(t, url, record.Options{ReadOnly: true})
	})
}

// While replicas are replaced one by one, an old one may write a checkpoint, which
// says nothing of health. That is no breach, also when all before it is pruned.
func TestVerifyAcceptsAnOlderReplicasCheckpointWithoutHealth(t *testing.T) {
	upgrades(t, func(t *testing.T, o *old, url string) {
		s := openURL(t, url, record.Options{})
		l := newLane(t, s, lsapi.ELB("web"))
		l.say(inService(one))
		o.follow()
		o.checkpoint()
		wantWhole(t, s)
		if err := pruneAt(t, s, noon.Add(10*dayLong), dayLong); err != nil {
			t.Fatal(err)
		}
		if found := wantWhole(t, s); found.Events != 1 {
			t.Fatalf("it was not pruned to the checkpoint: %+v", found)
		}
		l.after(10 * dayLong).say(outOfService(one))
		wantHealth(t, s, lsapi.ELB("web"), outOfService(one))
		wantWhole(t, s)
	})
}
