package connlimit_test

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lsapi/internal/connlimit"
)

// from is a connection from an address. A write blocks until the client reads.
type from struct {
	net.Conn
	address net.Addr
}

func (f from) RemoteAddr() net.Addr { return f.address }

// clients is a listener for the connections in a channel.
type clients chan net.Conn

func (c clients) Accept() (net.Conn, error) { return <-c, nil }

func (clients) Close() error { return nil }

func (clients) Addr() net.Addr { return nil }

// limited is a Listener in a synctest bubble.
type limited struct {
	*connlimit.Listener
	t       *testing.T
	clients clients
	log     *logText
}

func newLimited(t *testing.T, limit int) *limited {
	t.Helper()
	l := &limited{t: t, clients: make(clients, 1), log: &logText{}}
	l.Listener = connlimit.New(l.clients, limit, slog.New(slog.NewTextHandler(l.log, nil)))
	return l
}

// connect accepts a client, and returns its connection and how long it waited.
func (l *limited) connect(address string) (net.Conn, time.Duration) {
	l.t.Helper()
	server, client := net.Pipe()
	l.t.Cleanup(func() { client.Close() })
	l.clients <- from{server, &net.TCPAddr{IP: net.ParseIP(address)}}
	began := time.Now()
	conn, err := l.Accept()
	if err != nil {
		l.t.Fatal(err)
	}
	return conn, time.Since(began)
}

// serving returns a connection with a request under way.
func (l *limited) serving(address string) net.Conn {
	l.t.Helper()
	conn, _ := l.connect(address)
	connlimit.ConnState(conn, http.StateActive)
	return conn
}

func isOpen(conn net.Conn) bool { return conn.SetDeadline(time.Time{}) == nil }

func TestConnectionOfAnAddressWithFewIsKeptForMinIdle(t *testing.T) {
	for count, want := range map[int]time.Duration{
		connlimit.FewConnections:     connlimit.MinIdle,
		connlimit.FewConnections + 1: 0,
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimited(t, count)
			conns := make([]net.Conn, count)
			for i := range conns {
				conns[i], _ = l.connect("192.0.2.1")
			}
			_, waited := l.connect("192.0.2.2")
			if waited != want {
				t.Errorf("with %d connections of one address, the next waits %v, want %v", count, waited, want)
			}
			if closed := len(slices.DeleteFunc(conns, isOpen)); closed != 1 {
				t.Errorf("%d connections are closed for one, want 1", closed)
			}
		})
	}
}

func TestAddressesAreCountedByTheirNetwork(t *testing.T) {
	for _, test := range []struct {
		same, other string
		one         bool
	}{
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff:2", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimited(t, connlimit.FewConnections+1)
			for range connlimit.FewConnections {
				l.connect(test.same)
			}
			l.connect(test.other)
			if _, waited := l.connect("198.51.100.1"); (waited == 0) != test.one {
				t.Errorf("%s and %s: the next waits %v", test.same, test.other, waited)
			}
		})
	}
}

func TestSlowReaderCountsAsIdleAfterSlowWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimited(t, 2)
		slow, working := l.serving("192.0.2.1"), l.serving("192.0.2.2")
		ended := make(chan error, 1)
		go func() {
			_, err := slow.Write([]byte("answer"))
			ended <- err
		}()
		synctest.Wait()
		if _, waited := l.connect("192.0.2.3"); waited != connlimit.SlowWrite {
			t.Errorf("the next waits %v, want %v", waited, connlimit.SlowWrite)
		}
		if err := <-ended; err == nil || isOpen(slow) {
			t.Errorf("the write ends with %v", err)
		}
		if !isOpen(working) {
			t.Error("a request whose client waits is cut off")
		}
	})
}

func TestReserveServesAddressesWithFewAsUsual(t *testing.T) {
	for held, want := range map[int]bool{connlimit.FewConnections - 1: false, connlimit.FewConnections: true} {
		synctest.Test(t, func(t *testing.T) {
			l := newLimited(t, limit)
			for range held {
				l.serving("192.0.2.1")
			}
			for n := range limit - limit/16 - held {
				l.serving(fmt.Sprint("198.51.100.", n))
			}
			conn := l.serving("192.0.2.1")
			if spare := connlimit.Spare(connlimit.ConnContext(t.Context(), conn)); spare != want {
				t.Errorf("an address that holds %d has a spare connection: %v", held, spare)
			}
		})
	}
}

// A handler may send a part and then work for long.
func TestClientThatHasReadEverythingIsNotSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimited(t, 2)
		server, client := net.Pipe()
		l.clients <- from{server, &net.TCPAddr{IP: net.ParseIP("192.0.2.1")}}
		working, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		connlimit.ConnState(working, http.StateActive)
		go client.Read(make([]byte, 10))
		if _, err := working.Write([]byte("part")); err != nil {
			t.Fatal(err)
		}
		other := l.serving("192.0.2.2")
		time.AfterFunc(time.Hour, func() { other.Close() })
		if _, waited := l.connect("192.0.2.3"); waited < time.Hour {
			t.Errorf("the next waits %v", waited)
		}
		if !isOpen(working) {
			t.Error("a request whose client waits is cut off")
		}
	})
}

func TestStreamIsNotSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimited(t, 2)
		stream, other := l.serving("192.0.2.1"), l.serving("192.0.2.2")
		connlimit.ConnState(stream, http.StateHijacked)
		go stream.Write([]byte("event"))
		time.AfterFunc(time.Hour, func() { other.Close() })
		if _, waited := l.connect("192.0.2.3"); waited < time.Hour || !isOpen(stream) {
			t.Errorf("the next waits %v, and the stream is open: %v", waited, isOpen(stream))
		}
	})
}

func TestFullLimitIsLoggedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimited(t, 1)
		conn := l.serving("192.0.2.1")
		warned := time.Now()
		for n, want := range map[int]int{0: 1, 1: 1} {
			time.AfterFunc(connlimit.WarnEvery/3, func() { conn.Close() })
			conn = l.serving("192.0.2.1")
			if got := strings.Count(l.log.String(), "level=WARN"); got != want {
				t.Errorf("at the client %d the log has %d warnings, want %d", n, got, want)
			}
		}
		time.Sleep(time.Until(warned.Add(connlimit.WarnEvery)))
		time.AfterFunc(time.Second, func() { conn.Close() })
		l.serving("192.0.2.1")
		if got := strings.Count(l.log.String(), "level=WARN"); got != 2 {
			t.Errorf("after a minute the log has %d warnings, want 2", got)
		}
	})
}
