package record_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/open"
	"lsapi/internal/record/postgrestest"
)

// logged returns a log, and what it says.
func logged() (log *slog.Logger, text func() string) {
	var buffer syncBuffer
	return slog.New(slog.NewTextHandler(&buffer, &slog.HandlerOptions{Level: slog.LevelDebug})), buffer.String
}

type syncBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *syncBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(text)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// altered is a URL with something else in it.
func altered(t testing.TB, text string, alter func(*url.URL)) string {
	t.Helper()
	parsed, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	alter(parsed)
	return parsed.String()
}

// closedPort is an address without a listener.
func closedPort(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestOpenReportsARemedyForADatabase(t *testing.T) {
	const password = "pass-w0rd:/#@x"
	mute, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	for name, test := range map[string]struct {
		url  func(*testing.T) string
		says string
	}{
		"closed port": {func(t *testing.T) string {
			return altered(t, postgrestest.URL(t), func(u *url.URL) { u.Host = closedPort(t) })
		}, "start the database, or correct the store's URL"},
		"no answer": {func(t *testing.T) string {
			return altered(t, postgrestest.URL(t), func(u *url.URL) { u.Host = mute.Addr().String() })
		}, "start the database, or correct the store's URL"},
		"wrong password": {func(t *testing.T) string {
			return altered(t, postgrestest.URL(t), func(u *url.URL) { u.User = url.UserPassword("lsapi", password) })
		}, "refuses the user and password; correct the store's URL"},
		"no such user": {func(t *testing.T) string {
			return altered(t, postgrestest.URL(t), func(u *url.URL) { u.User = url.UserPassword("nobody", password) })
		}, "refuses the user and password; correct the store's URL"},
		"no such database": {func(t *testing.T) string {
			return altered(t, postgrestest.URL(t), func(u *url.URL) { u.Path = "/nowhere" })
		}, "does not exist; create it"},
		"a password that is not encoded": {func(*testing.T) string {
			return "postgres://lsapi:" + password + "@127.0.0.1/lsapi"
		}, "percent-encoded"},
		"a password that looks like a port": {func(*testing.T) string {
			return "postgres://lsapi:12?" + password + "@127.0.0.1/lsapi"
		}, "percent-encoded"},
		"a parameter that is none": {func(t *testing.T) string { return postgrestest.URL(t) + "&sslmode=sometimes" }, "sslmode is invalid"},
		"another program's tables": {func(t *testing.T) string {
			there := postgrestest.URL(t)
			postgrestest.Exec(t, there, "CREATE TABLE books (title text)")
			return there
		}, "something else than lsapi"},
		"another program's migrations": {func(t *testing.T) string {
			there := postgrestest.URL(t)
			postgrestest.Exec(t, there, "CREATE TABLE books (title text)", "CREATE TABLE goose_db_version (version_id bigint, is_applied boolean)")
			return there
		}, "something else than lsapi"},
		"another encoding": {func(t *testing.T) string {
			there := postgrestest.URL(t)
			postgrestest.Exec(t, there, "DROP DATABASE IF EXISTS latin", "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
			return altered(t, there, func(u *url.URL) { u.Path = "/latin" })
		}, "create one with ENCODING 'UTF8'"},
		"a newer lsapi's": {func(t *testing.T) string {
			there := postgrestest.URL(t)
			s := openURL(t, there, record.Options{})
			newLane(t, s, lsapi.ELB("web")).know(one)
			postgrestest.Exec(t, there, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)")
			return there
		}, "made by a newer lsapi"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			there := test.url(t)
			for _, readOnly := range []bool{false, true} {
				log, text := logged()
				began := time.Now()
				s, err := open.URL(t.Context(), there, record.Options{ReadOnly: readOnly, Log: log})
				if err == nil {
					t.Fatalf("it was opened: %v", s.Close(context.WithoutCancel(t.Context())))
				}
				if took := time.Since(began); took > 15*time.Second {
					t.Errorf("it took %v", took)
				}
				want := lsapi.CodeInvalid
				if strings.HasPrefix(test.says, "start the database") {
					want = lsapi.CodeUnavailable
				}
				if coded := lsapi.AsError(err); coded.Code != want || !strings.Contains(coded.Message, test.says) {
					t.Errorf("got %v, want it to say %q", err, test.says)
				}
				wantNoPassword(t, text()+everything(err), password)
			}
		})
	}
}

// everything is what an error says, and what each in its chain does.
func everything(err error) string {
	text := ""
	for ; err != nil; err = errors.Unwrap(err) {
		text += err.Error() + "\n"
	}
	return text
}

func wantNoPassword(t *testing.T, text string, passwords ...string) {
	t.Helper()
	for _, password := range append(passwords, postgrestest.Password) {
		for _, part := range []string{password, url.QueryEscape(password), "pass-w0rd"} {
			if strings.Contains(text, part) {
				t.Errorf("the password is shown: %s", text)
			}
		}
	}
}

func TestOpenMigratesOnceForConcurrentReplicas(t *testing.T) {
	there := postgrestest.URL(t)
	var all sync.WaitGroup
	stores := make([]record.Store, 3)
	for i := range stores {
		all.Go(func() {
			var err error
			if stores[i], err = open.URL(t.Context(), there, record.Options{}); err != nil {
				t.Errorf("replica %d: %v", i, err)
			}
		})
	}
	all.Wait()
	for i, s := range stores {
		if s == nil {
			continue
		}
		if err := s.Ready(t.Context()); err != nil {
			t.Errorf("replica %d: %v", i, err)
		}
		if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}
}

func TestReadOnlyDatabaseRejectsWrites(t *testing.T) {
	there := postgrestest.URL(t)
	_, err := open.URL(t.Context(), there, record.Options{ReadOnly: true})
	wantCode(t, err, lsapi.CodeInvalid)
	owner := openURL(t, there, record.Options{}) // so that nothing was made is seen by this making it
	reader := openURL(t, there, record.Options{ReadOnly: true, Replicas: func(int) { t.Error("a reader counts replicas") }})
	l := newLane(t, owner, lsapi.ELB("web"))
	c := l.do(lsapi.Attach, one)
	if _, err := reader.Change(t.Context(), c.ID); err != nil {
		t.Errorf("read: %v", err)
	}
	for what, err := range map[string]error{
		"ready":   reader.Ready(t.Context()),
		"take":    errorOf(reader.Acquire(t.Context(), lsapi.ELB("api"))),
		"append":  errorOf(reader.Append(t.Context(), l.lease, []lsapi.Event{{Kind: lsapi.EventIntended, Change: l.change(lsapi.Attach, two)}})),
		"reserve": errorOf(reader.Reserve(t.Context(), lsapi.IdempotencyKey{Key: "k"}, lsapi.Reservation{})),
		"free":    reader.Free(t.Context(), lsapi.IdempotencyKey{Key: "k"}, ""),
		"prune":   reader.Prune(t.Context(), dayLong),
		"lead":    errorOf(reader.Lead(t.Context())),
	} {
		if coded := lsapi.AsError(err); coded.Code != lsapi.CodeUnavailable || !strings.Contains(coded.Message, "read only") {
			t.Errorf("%s: got %v", what, err)
		}
	}
	wantWhole(t, reader)
}

func errorOf[T any](_ T, err error) error { return err }

func TestOpenUsesASchemaOfTheSearchPath(t *testing.T) {
	there := postgrestest.URL(t)
	postgrestest.Exec(t, there, "CREATE TABLE changes (n integer)", "CREATE SCHEMA lsapi")
	s := openURL(t, there+"&search_path=lsapi", record.Options{})
	newLane(t, s, lsapi.ELB("web")).do(lsapi.Attach, one)
	wantWhole(t, s)
}

func TestClosedDatabaseReturnsUnavailable(t *testing.T) {
	s, err := open.URL(t.Context(), postgrestest.URL(t), record.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := newLane(t, s, lsapi.ELB("web"))
	for range 2 {
		if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
	for what, err := range map[string]error{
		"append": errorOf(s.Append(t.Context(), l.lease, []lsapi.Event{{Kind: lsapi.EventIntended, Change: l.change(lsapi.Attach, one)}})),
		"take":   errorOf(s.Acquire(t.Context(), lsapi.ELB("web"))),
		"ready":  s.Ready(t.Context()),
		"ends":   errorOf(s.ChainEnds(t.Context())),
	} {
		if coded := lsapi.AsError(err); coded.Code != lsapi.CodeUnavailable || !strings.Contains(coded.Message, "closed") {
			t.Errorf("%s: got %v", what, err)
		}
	}
}
