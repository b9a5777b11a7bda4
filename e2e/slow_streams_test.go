package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

// manyChanges fill the kernel's buffers of an unread stream.
const manyChanges = 5000

func TestUnreadStreamsDelayNeitherChangesNorStop(t *testing.T) {
	_, s := startBoth(t)
	s.attach("web-elb", otherSpare)
	reason := "X-Reason: " + strings.Repeat("🚀", 250)
	s.repeat(t, manyChanges, func() { s.send("POST", "/elb/web-elb", machineID(otherSpare), reason) }) // each is a conflict, on record
	for range 40 {
		s.leaveUnread(t, "/v1/changes")
	}
	eventually(t, "no more of them are taken", func() bool {
		head := textproto.NewReader(bufio.NewReaderSize(s.leaveUnread(t, "/v1/changes"), 1024))
		status, err := head.ReadLine()
		if err != nil || status != "HTTP/1.1 503 Service Unavailable" {
			return false
		}
		header, err := head.ReadMIMEHeader()
		return err == nil && header.Get("Retry-After") != ""
	})
	for range 5 {
		for _, change := range []func(string, string) response{s.attach, s.detach} {
			began := time.Now()
			if answer := change("default-elb", spare); answer.status != http.StatusCreated || time.Since(began) > testTimeout {
				t.Errorf("a change is answered %d %s after %v", answer.status, answer.body, time.Since(began))
			}
		}
	}
	if status := s.stop(); status != 0 { // the streams are still open
		t.Errorf("stopped with status %d", status)
	}
}

// leaveUnread opens a stream without reading it.
func (s *service) leaveUnread(t *testing.T, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: lsapi\r\nAuthorization: %s\r\nAccept: application/x-ndjson\r\n\r\n", path, s.authorization); err != nil {
		t.Fatal(err)
	}
	return conn
}

// repeat calls a function n times, concurrently.
func (s *service) repeat(t *testing.T, times int, do func()) {
	t.Helper()
	const hands = 125
	done := make(chan struct{})
	for range hands {
		go func() {
			for range times / hands {
				do()
			}
			done <- struct{}{}
		}()
	}
	for range hands {
		<-done
	}
}
