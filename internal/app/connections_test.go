package app

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// endless is a listener that has a client whenever one is asked for.
type endless struct{ net.Listener }

func (endless) Accept() (net.Conn, error) {
	server, client := net.Pipe()
	return server, client.Close()
}

func TestTheLogSaysNowAndThenThatNoMoreConnectionsAreTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := &connections{Listener: endless{}, limit: 3, log: slog.New(slog.NewTextHandler(&log, nil))}
		accept := func() net.Conn {
			conn, err := c.Accept()
			if err != nil {
				t.Fatal(err)
			}
			return conn
		}
		told := func() int { return strings.Count(log.String(), "level=WARN") }
		accept()
		accept()
		if told() != 0 {
			t.Errorf("with room for one more it says %s", log.String())
		}
		for range 10 {
			last := accept()
			if c.open.Load() != 3 {
				t.Fatalf("%d are open, want 3", c.open.Load())
			}
			last.Close()
			last.Close() // as net/http may
		}
		if told() != 1 || c.open.Load() != 2 {
			t.Errorf("it is told %d times, and %d are open, want once and 2", told(), c.open.Load())
		}
		time.Sleep(fullEvery)
		accept()
		if told() != 2 {
			t.Errorf("a minute later it is told %d times in all, want 2", told())
		}
	})
}
