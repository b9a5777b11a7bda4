package connlimit_test

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"lsapi/internal/connlimit"
)

// pipes is a listener that always has a client.
type pipes struct{ net.Listener }

func (pipes) Accept() (net.Conn, error) {
	server, client := net.Pipe()
	return server, client.Close()
}

// outer wraps a connection, as a server may.
type outer struct{ net.Conn }

func (o outer) NetConn() net.Conn { return o.Conn }

// handled reports whether a request on the connection is handled.
func handled(t *testing.T, conn net.Conn) (handled bool) {
	t.Helper()
	handler := connlimit.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { handled = true }))
	r := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
	defer func() {
		if fault := recover(); fault != nil {
			if err, ok := fault.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				t.Errorf("it panics with %v", fault)
			}
		}
	}()
	connlimit.ConnState(conn, http.StateActive)
	handler.ServeHTTP(httptest.NewRecorder(), r.WithContext(connlimit.ConnContext(t.Context(), conn)))
	return handled
}

func TestRequestOnAShedConnectionIsNotHandled(t *testing.T) {
	l := connlimit.New(pipes{}, 8, slog.New(slog.DiscardHandler))
	accept := func() net.Conn {
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return outer{conn}
	}
	first, second := accept(), accept()
	since := connlimit.IdleSince(second)
	if !l.Shed(first, connlimit.IdleSince(first)) {
		t.Fatal("an idle connection is not closed")
	}
	if handled(t, first) {
		t.Error("a request on a connection that is closed is handled")
	}
	if connlimit.ConnState(first, http.StateIdle); handled(t, first) {
		t.Error("the next request on a connection that is closed is handled")
	}
	if !handled(t, second) {
		t.Error("a request on a connection that is open is not handled")
	}
	if l.Shed(second, since) {
		t.Error("a connection whose request began since is closed")
	}
	if connlimit.ConnState(second, http.StateIdle); l.Shed(second, since) {
		t.Error("a connection that was used since is closed")
	}
	for range 2 { // as net/http may
		second.Close()
	}
	if open, holders := l.Stats().Open, l.Holders(); open != 0 || holders != 0 {
		t.Errorf("%d connections of %d addresses are open, want none", open, holders)
	}
}

func TestConnectionOfAnotherListenerIsIgnored(t *testing.T) {
	conn, client := net.Pipe()
	defer conn.Close()
	defer client.Close()
	if !handled(t, conn) || connlimit.Spare(connlimit.ConnContext(t.Context(), conn)) {
		t.Error("a request of another listener is not handled")
	}
}
