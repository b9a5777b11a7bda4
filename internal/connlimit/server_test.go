package connlimit_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lsapi/internal/connlimit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// timeout is long enough for a busy machine.
const timeout = 30 * time.Second

// service is a server on a real port whose connections are limited.
type service struct {
	t        *testing.T
	listener *connlimit.Listener
	address  string
	release  chan struct{} // lets requests of /hold end
	entered  chan struct{} // receives for each that has begun
	checks   atomic.Int64  // health checks that are under way
	bodies   atomic.Int64  // bodies that were read to their end
	log      *logText
}

type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/healthcheck":
		s.checks.Add(1)
	case "/hold":
		s.entered <- struct{}{}
		<-s.release
	case "/linger":
		connlimit.Answered(r.Context())
		s.entered <- struct{}{}
		<-s.release
	case "/body":
		s.entered <- struct{}{}
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			s.bodies.Add(1)
		}
	case "/refuse":
		return
	case "/large":
		w.Write(make([]byte, 32<<20)) // more than the buffers of a connection hold
		return
	case "/stream":
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			s.t.Error(err)
			return
		}
		go func() {
			defer conn.Close()
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
			conn.Write(make([]byte, 32<<20))
			<-s.release
		}()
		return
	}
	fmt.Fprint(w, "spare ", connlimit.Spare(r.Context()))
}

// noteState notes the end of a health check, after which its connection is idle or closed.
func (s *service) noteState(conn net.Conn, state http.ConnState) {
	connlimit.ConnState(conn, state)
	if state == http.StateIdle {
		s.checks.Add(-1)
	}
}

func startService(t *testing.T, limit int) *service {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &service{t: t, address: inner.Addr().String(), release: make(chan struct{}), entered: make(chan struct{}, 100), log: &logText{}}
	s.listener = connlimit.New(inner, limit, slog.New(slog.NewTextHandler(s.log, nil)))
	server := &http.Server{
		Handler: connlimit.Handler(s), ConnState: s.noteState, ConnContext: connlimit.ConnContext,
		ReadHeaderTimeout: time.Hour, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(s.listener) }()
	t.Cleanup(func() {
		close(s.release)
		server.Close()
		<-ended
		if open := s.listener.Stats().Open; open != 0 {
			eventually(t, "all connections are counted as closed", func() bool { return s.listener.Stats().Open == 0 })
		}
	})
	return s
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(timeout); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timeout: %s", what)
		}
	}
}

// conn is a client's connection.
type conn struct {
	net.Conn
	service *service
	t       *testing.T
	reader  *bufio.Reader
}

// connect connects from 127.0.0.host.
func (s *service) connect(host int) (*conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(host))}, Timeout: timeout}
	c, err := dialer.DialContext(context.Background(), "tcp", s.address)
	if err != nil {
		return nil, err
	}
	s.t.Cleanup(func() { c.Close() })
	return &conn{c, s, s.t, bufio.NewReader(c)}, nil
}

func (s *service) dial(host int) *conn {
	s.t.Helper()
	c, err := s.connect(host)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (c *conn) send(path string) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: lsapi\r\n\r\n", path); err != nil {
		c.t.Errorf("send: %v", err)
	}
}

// answer reads an answer's body; empty when the connection was closed.
func (c *conn) answer() string {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(timeout))
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.t.Errorf("there is no answer: %v", err)
		}
		return ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Errorf("the answer is cut off: %v", err)
	}
	return string(body)
}

// check sends a health check and returns its answer, after the server has marked the
// connection as idle or closed.
func (c *conn) check() string {
	c.t.Helper()
	c.send("/healthcheck")
	answer := c.answer()
	eventually(c.t, "no health check is under way", func() bool { return c.service.checks.Load() <= 0 })
	return answer
}

// fill opens connections from a host, each with one answered request.
func (s *service) fill(host, count int) []*conn {
	s.t.Helper()
	conns := make([]*conn, count)
	for i := range conns {
		conns[i] = s.dial(host)
		if got := conns[i].check(); got != "spare false" {
			s.t.Fatalf("connection %d of host %d is answered %q", i, host, got)
		}
	}
	return conns
}

// hold opens connections with an active request.
func (s *service) hold(host, count int) []*conn {
	s.t.Helper()
	conns := make([]*conn, count)
	for i := range conns {
		conns[i] = s.dial(host)
		conns[i].send("/hold")
		s.wantEntered()
	}
	return conns
}

// wantEntered waits until the handler has one more request.
func (s *service) wantEntered() {
	s.t.Helper()
	select {
	case <-s.entered:
	case <-time.After(timeout):
		s.t.Fatal("a request is not handled")
	}
}

// isOpen reports whether the connection still takes a request.
func (c *conn) isOpen() bool {
	return c.check() != ""
}
