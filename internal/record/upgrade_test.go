package record_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"slices"
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

// old is a record of an older version, opened past the store.
type old struct {
	t       testing.TB
	db      *sql.DB
	engine  string
	url     string
	version int64
	last    [sha256.Size]byte
	seq     int
}

// upgrades runs a test on a record of a version on each engine.
func upgrades(t *testing.T, version int64, test func(t *testing.T, o *old)) {
	t.Run("sqlite", func(t *testing.T) {
		path := newFile(t)
		o := &old{t: t, engine: "sqlite", url: "sqlite://" + path}
		o.make("sqlite", path, goose.DialectSQLite3, version)
		test(t, o)
	})
	t.Run("postgres", func(t *testing.T) {
		o := &old{t: t, engine: "postgres", url: postgrestest.URL(t)}
		o.make("pgx", o.url, goose.DialectPostgres, version)
		test(t, o)
	})
}

// make makes the tables of a version. Those of version 1 have a membership of "web" that
// is one, those of others what testdata has.
func (o *old) make(driver, name string, dialect goose.Dialect, version int64) {
	o.t.Helper()
	var err error
	if o.db, err = sql.Open(driver, name); err != nil {
		o.t.Fatal(err)
	}
	o.db.SetMaxOpenConns(1)
	o.t.Cleanup(func() { o.db.Close() })
	provider, err := goose.NewProvider(dialect, o.db, os.DirFS(o.engine+"/migrations"), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := provider.UpTo(o.t.Context(), version); err != nil {
		o.t.Fatal(err)
	}
	if version != 1 {
		o.version = version
		o.exec(o.testdata("sql"))
		return
	}
	o.exec(fmt.Sprintf("INSERT INTO logs VALUES ('web', 1, 0, %[1]s, %[2]s, %[3]s, %[1]s, %[1]s, 0, 1)",
		o.moment(), o.bytes(o.last[:]), map[string]string{"sqlite": "1", "postgres": "true"}[o.engine]))
	o.exec("INSERT INTO members VALUES ('web', '" + one.String() + "', 0)")
	o.checkpoint("load_balancer", "web")
}

// testdata returns a file about the record: the rows as "sql", or what the store of its
// version returned, as "txt".
func (o *old) testdata(kind string) string {
	o.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("testdata/version%d.%s.%s", o.version, o.engine, kind))
	if err != nil {
		o.t.Fatal(err)
	}
	return string(text)
}

// moment is noon as the database stores it.
func (o *old) moment() string {
	if o.engine == "sqlite" {
		return fmt.Sprint(noon.UnixMicro())
	}
	return "'" + noon.Format(time.RFC3339) + "'"
}

func (o *old) bytes(b []byte) string {
	if o.engine == "sqlite" {
		return fmt.Sprintf("x'%x'", b)
	}
	return fmt.Sprintf("'\\x%x'", b)
}

func (o *old) exec(statement string) {
	o.t.Helper()
	if _, err := o.db.ExecContext(o.t.Context(), statement); err != nil {
		o.t.Fatalf("%s: %v", statement, err)
	}
}

// checkpoint appends a checkpoint as version 1 did, to the log that a column names.
func (o *old) checkpoint(column, name string) {
	o.t.Helper()
	o.seq++
	text := fmt.Sprintf(`{"loadBalancer":"web","seq":%d,"at":"2025-11-02T12:00:00Z","kind":"checkpoint","until":"2025-11-02T12:00:00Z","members":{%q:0}}`, o.seq, one)
	sum := sha256.Sum256(append(o.last[:], text...))
	payload, none := "'"+text+"'", "NULL"
	if o.engine == "sqlite" {
		payload, none = o.bytes([]byte(text)), "x''"
	}
	o.exec(fmt.Sprintf("INSERT INTO events (%s, seq, at, kind, change_id, payload, prev_hash, hash) VALUES ('%s', %d, %s, 'checkpoint', %s, %s, %s, %s)",
		column, name, o.seq, o.moment(), none, payload, o.bytes(o.last[:]), o.bytes(sum[:])))
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
	upgrades(t, 1, func(t *testing.T, o *old) {
		_, err := open.URL(t.Context(), o.url, record.Options{ReadOnly: true})
		if coded := lsapi.AsError(err); coded.Code != lsapi.CodeInvalid || !strings.Contains(coded.Message, "older lsapi") {
			t.Errorf("read only, it is opened with %v", err)
		}
		s := openURL(t, o.url, record.Options{})
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
		wantWhole(t, s, chainEnds(t, s)...)
		openURL(t, o.url, record.Options{ReadOnly: true})
	})
}

// Version 1 wrote checkpoints without health, also while newer replicas recorded health:
// that is no breach, also when all before it is pruned.
func TestVerifyAcceptsACheckpointWithoutHealth(t *testing.T) {
	upgrades(t, 1, func(t *testing.T, o *old) {
		s := openURL(t, o.url, record.Options{})
		l := newLane(t, s, lsapi.ELB("web"))
		l.say(inService(one))
		o.follow()
		o.checkpoint("pool", "default/elb/web")
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

func TestMigratedRecordReadsAsBefore(t *testing.T) {
	for version, want := range map[int64]record.Verification{
		4: {Pools: 4, Events: 30, Changes: 16},
		5: {Pools: 2, Events: 23, Changes: 11},
		7: {Pools: 2, Events: 32, Changes: 18},
	} {
		t.Run(fmt.Sprint("version ", version), func(t *testing.T) {
			upgrades(t, version, func(t *testing.T, o *old) {
				s := openURL(t, o.url, record.Options{})
				wantReadings(t, s, o)
				if found := wantWhole(t, s, chainEnds(t, s)...); found.Pools != want.Pools || found.Events != want.Events || found.Changes != want.Changes {
					t.Errorf("it has %+v", found)
				}
			})
		})
	}
}

// wantReadings compares all that an old record returned with what it returns now.
func wantReadings(t *testing.T, s record.Store, o *old) {
	t.Helper()
	pools := map[int64][]lsapi.PoolID{
		4: {lsapi.ELB("api"), lsapi.ELB("legacy"), lsapi.ELB("web")},
		5: {lsapi.TG("shop"), lsapi.ELB("web")},
		7: {lsapi.TG("shop"), lsapi.ELB("web")},
	}
	got, want := strings.Split(readings(t, s, pools[o.version]...), "\n"), strings.Split(o.testdata("txt"), "\n")
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Fatalf("line %d is missing: %s", i+1, want[i])
		case i >= len(want):
			t.Fatalf("line %d is new: %s", i+1, got[i])
		case got[i] != want[i]:
			t.Fatalf("line %d is\n%s\nand was\n%s", i+1, got[i], want[i])
		}
	}
}

// A chain that an older version began goes on under the new names: changes that were open
// complete, and it verifies as a whole and from checkpoints noted before.
func TestMigratedChainContinues(t *testing.T) {
	upgrades(t, 4, func(t *testing.T, o *old) {
		s := openURL(t, o.url, record.Options{})
		noted := chainEnds(t, s)
		l := newLane(t, s, lsapi.ELB("web"))
		l.now = noon.Add(2 * dayLong)
		if open := l.state().Open; len(open) != 2 {
			t.Fatalf("the open changes are %+v", open)
		}
		for _, c := range l.state().Open {
			l.complete(c, lsapi.OutcomeApplied) // behind a checkpoint with both
		}
		l.say(outOfService(one))
		c := l.do(lsapi.Attach, three)
		wantEqual(t, membersAt(t, s, time.Time{}), two, three, lsapi.InstanceMember("i-0000000a"),
			lsapi.InstanceMember("i-0bee000000000cd02"), lsapi.InstanceMember("i-0bee000000000cd03"))
		wantWhole(t, s, noted...)
		wantPayloads(t, o)

		if err := pruneAt(t, s, noon.Add(3*dayLong), dayLong); err != nil {
			t.Fatal(err)
		}
		if found := wantWhole(t, s, chainEnds(t, s)...); found.Events >= 30 {
			t.Errorf("nothing was pruned: %+v", found)
		}
		if got, err := s.Change(t.Context(), c.ID); err != nil || got.Outcome != lsapi.OutcomeApplied {
			t.Errorf("the last change is %+v (%v)", got, err)
		}
	})
}

// wantPayloads checks that the hashed events are those of version 4, and behind them
// events with the new names only.
func wantPayloads(t *testing.T, o *old) {
	t.Helper()
	rows, err := o.db.QueryContext(t.Context(), "SELECT CAST(payload AS text) FROM events WHERE pool = 'default/elb/web' ORDER BY seq")
	must(t, err)
	defer rows.Close()
	before := o.testdata("sql")
	for seq := 1; rows.Next(); seq++ {
		var payload string
		must(t, rows.Scan(&payload))
		quoted := "'" + strings.ReplaceAll(payload, "'", "''") + "'"
		if isOld := seq <= 22; isOld != strings.Contains(before, quoted) {
			t.Errorf("event %d is %s", seq, payload)
		} else if !isOld && (!strings.HasPrefix(payload, `{"pool":"default/elb/web",`) || strings.Contains(payload, `"instance":`)) {
			t.Errorf("event %d has old names: %s", seq, payload)
		}
	}
	must(t, rows.Err())
}

// What version 5 recorded has no incarnation, and no words of AWS.
func TestMigratedRecordGainsWordsAndIncarnations(t *testing.T) {
	upgrades(t, 5, func(t *testing.T, o *old) {
		s := openURL(t, o.url, record.Options{})
		noted := chainEnds(t, s)
		l := newLane(t, s, lsapi.TG("shop"))
		l.now = noon.Add(2 * dayLong)
		wantIncarnation(t, l, "")
		address := lsapi.MemberID{Address: netip.MustParseAddr("2001:db8::7"), Port: 8080}
		before := health(t, s, lsapi.TG("shop"))
		before[address] = lsapi.MemberHealth{Member: address, State: lsapi.OutOfService, AWSState: "unhealthy", Reason: "Target.Timeout"}
		l.say(before[address])
		wantHealth(t, s, lsapi.TG("shop"), slices.Collect(maps.Values(before))...)
		l.name()
		wantIncarnation(t, l, "arn:a")
		if got := l.history(address); got.ChangeID == "" || got.LastChange == nil {
			t.Errorf("its history is lost: %+v", got)
		}
		l.append(l.replacement("arn:a", "arn:b", address)...)
		wantHealth(t, s, lsapi.TG("shop"))
		wantWhole(t, s, append(noted, chainEnds(t, s)...)...)
	})
}

// A change that version 7 left open completes with the terms of now.
func TestMigratedRecordGainsTerms(t *testing.T) {
	upgrades(t, 7, func(t *testing.T, o *old) {
		s := openURL(t, o.url, record.Options{})
		noted := chainEnds(t, s)
		l := newLane(t, s, lsapi.TG("shop"))
		l.now = noon.Add(2 * dayLong)
		open := l.state().Open
		if len(open) != 1 || open[0].Guard != nil || open[0].Bulk != "" {
			t.Fatalf("the open changes are %+v", open)
		}
		c := open[0]
		c.Guard = &lsapi.GuardVerdict{Rule: "keepLast", Overridden: true, Reason: "r"}
		l.complete(c, lsapi.OutcomeApplied)
		wantTerms(t, s, c, c.Guard)
		next := l.change(lsapi.Attach, c.Member)
		next.Undoes, next.Bulk = c.ID, idAt(l.now)
		l.complete(l.intend(next), lsapi.OutcomeApplied)
		wantTerms(t, s, next, nil)
		wantWhole(t, s, append(noted, chainEnds(t, s)...)...)
	})
}

func TestKilledMigrationStartsAgain(t *testing.T) {
	upgrades(t, 4, func(t *testing.T, o *old) {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), migrateVariable+"="+o.url)
		child.Stderr = os.Stderr
		resume := o.stopAtHealth()
		must(t, child.Start())
		eventually(t, "the migration to be half way", o.isHalfWay)
		must(t, child.Process.Kill())
		_ = child.Wait() // it was killed
		resume()

		var logs int
		must(t, o.db.QueryRowContext(t.Context(), "SELECT count(*) FROM logs WHERE load_balancer = 'web'").Scan(&logs))
		if logs != 1 {
			t.Errorf("half of the migration was kept")
		}
		s := openURL(t, o.url, record.Options{})
		wantReadings(t, s, o)
		wantWhole(t, s)
	})
}

// stopAtHealth makes a migration hang at the table of health, until resume is called.
func (o *old) stopAtHealth() (resume func()) {
	o.t.Helper()
	if o.engine == "sqlite" {
		o.exec(`
			CREATE TABLE waste (bytes BLOB);
			CREATE VIEW endless AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n;
			CREATE TRIGGER hang BEFORE UPDATE ON health BEGIN INSERT INTO waste SELECT zeroblob(1000000) FROM endless; END`)
		return func() { o.exec("DROP TRIGGER hang; DROP VIEW endless; DROP TABLE waste") }
	}
	holder := connect(o.t, o.url)
	_, err := holder.Exec(o.t.Context(), "BEGIN; LOCK TABLE health IN ACCESS SHARE MODE")
	must(o.t, err)
	return func() {
		_, err := holder.Exec(o.t.Context(), "ROLLBACK")
		must(o.t, err)
	}
}

// isHalfWay reports whether a migration has come to the table of health.
func (o *old) isHalfWay() bool {
	if o.engine == "sqlite" {
		info, err := os.Stat(strings.TrimPrefix(o.url, "sqlite://") + "-wal")
		return err == nil && info.Size() > 1<<20
	}
	var waiting int
	must(o.t, o.db.QueryRowContext(o.t.Context(), "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'health'::regclass").Scan(&waiting))
	return waiting > 0
}

func TestMigratedReplicasShareAsBefore(t *testing.T) {
	upgrades(t, 4, func(t *testing.T, o *old) {
		if o.engine == "sqlite" {
			t.Skip("one process owns a file")
		}
		s := openURL(t, o.url, record.Options{})
		wantEqual(t, columnOf[string](t, o.url, "SELECT name || ' ' || epoch FROM leases ORDER BY name"), "default/elb/api 1",
			"default/elb/legacy 1", "default/elb/no-membership-yet 1", "default/elb/the refresh for all 1", "default/elb/web 1")
		if l := newLane(t, s, lsapi.ELB("web")); l.lease.Epoch != 2 {
			t.Errorf("the next lease is %+v", l.lease)
		}
		if leads, err := s.Lead(t.Context()); err != nil || !leads {
			t.Errorf("it leads: %v (%v)", leads, err)
		}
		publish(t, s, time.Now(), membership(lsapi.ELB("api")), membership(lsapi.ELB("new"), one))
		found := published(t, s, 1)
		wantEqual(t, found.Gone, lsapi.ELB("gone"), lsapi.ELB("web"))
		if found = published(t, s, 2); len(found.Pools) != 1 || found.Pools[0].Pool != lsapi.ELB("new") {
			t.Errorf("the listing differs by %+v", found)
		}
		short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if reports, _, err := s.PublishedHealth(short, 0); lsapi.ErrorCode(err) != lsapi.CodeTimeout {
			t.Errorf("a report is of an older version: %+v (%v)", reports, err)
		}
	})
}

// A replica that runs while a newer version renames a column writes nothing more, and
// reports why.
func TestReplicaStopsWhenANewerVersionMigrates(t *testing.T) {
	there := postgrestest.URL(t)
	s := openURL(t, there, record.Options{})
	l := newLane(t, s, lsapi.ELB("web"))
	l.know(one)
	before := chainEnds(t, s)
	postgrestest.Exec(t, there, "ALTER TABLE logs RENAME COLUMN pool TO renamed")
	_, err := s.Append(t.Context(), l.lease, []lsapi.Event{{Kind: lsapi.EventIntended, At: l.now, Change: l.change(lsapi.Attach, two)}})
	wantCode(t, err, lsapi.CodeUnavailable)
	wantNotReady(t, s, "a newer lsapi may have migrated it")
	postgrestest.Exec(t, there, "ALTER TABLE logs RENAME COLUMN renamed TO pool")
	wantEqual(t, chainEnds(t, s), before...)
	wantReady(t, s)
}
