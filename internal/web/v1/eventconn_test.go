package v1

import (
	"bufio"
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lsapi"
	"lsapi/internal/events"
	"lsapi/internal/web/exchange"
)

// silent is a record in which nothing happens, and which fails when it is read.
type silent struct{ fail error }

func (s silent) Events(context.Context, lsapi.Position, int) ([]lsapi.RecordedEvent, error) {
	return nil, s.fail
}

func (silent) End(context.Context) (lsapi.Position, error) { return lsapi.Position{Minor: 1}, nil }

func (silent) News(ctx context.Context, _ lsapi.Position) error {
	<-ctx.Done()
	return &lsapi.Error{Code: lsapi.CodeTimeout}
}

// stream is a stream on its connection, and what became of it.
type stream struct {
	client net.Conn
	left   chan struct{}
	log    bytes.Buffer
}

func open(t *testing.T, record events.Record, after *events.Cursor, check func() error) *stream {
	t.Helper()
	hub := events.New(events.Options{Record: record, Encode: EncodeEvent})
	opened, err := hub.Open(t.Context(), events.Filter{}, after)
	if err != nil {
		t.Fatal(err)
	}
	s := &stream{left: make(chan struct{})}
	var conn net.Conn
	s.client, conn = net.Pipe()
	session := &exchange.StreamSession{
		Leave:      func() { close(s.left) },
		Revalidate: check,
		Log:        slog.New(slog.NewTextHandler(&s.log, nil)),
	}
	go sendEvents(&eventConn{conn: conn, stream: opened, session: session}, [][]byte{[]byte("head\n")})
	t.Cleanup(func() {
		s.client.Close()
		<-s.left
		if err := hub.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ends reads the stream to its end and returns what the log says of it.
func (s *stream) ends() string {
	for from := bufio.NewScanner(s.client); from.Scan(); {
	}
	<-s.left
	return s.log.String()
}

func right() error { return nil }

func TestStreamEndsWhenUserIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := open(t, silent{}, nil, func() error {
			if time.Since(began) >= time.Hour {
				return &lsapi.Error{Code: lsapi.CodeUnauthenticated, Message: "wrong user or password"}
			}
			return nil
		})
		log := s.ends()
		if took := time.Since(began); took < time.Hour || took > time.Hour+2*keepAlive || !strings.Contains(log, "wrong user") {
			t.Errorf("it ended after %v: %s", took, log)
		}
	})
}

func TestStreamLogsFailureOfRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, silent{&lsapi.Error{Code: lsapi.CodeUnavailable, Message: "the disk is full"}}, &events.Cursor{}, right)
		if log := s.ends(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, "the disk is full") {
			t.Errorf("the log says %s", log)
		}
	})
}

func TestStreamEndsWhenClientSendsData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, silent{}, nil, right)
		go func() {
			for {
				if _, err := s.client.Write(make([]byte, 1000)); err != nil {
					return
				}
			}
		}()
		if log := s.ends(); !strings.Contains(log, "no stream takes") {
			t.Errorf("the log says %s", log)
		}
	})
}
