package connlimit_test

import (
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

const limit = 32 // of which 2 are the reserve

func TestNewConnectionReplacesTheLongestIdle(t *testing.T) {
	s := startService(t, limit)
	idle := s.fill(1, limit)
	for range 10 {
		if got := s.dial(2).check(); got != "spare false" {
			t.Fatalf("a new connection is answered %q", got)
		}
	}
	if stats := s.listener.Stats(); stats.Open > limit || stats.Limit != limit || stats.Shed < 10 {
		t.Errorf("it counts %+v", stats)
	}
	if !idle[limit-1].isOpen() {
		t.Error("the connection that was used last is closed")
	}
	if idle[0].answer() != "" {
		t.Error("the longest idle connection is answered")
	}
}

func TestUsedConnectionIsKeptLongerThanAnIdleOne(t *testing.T) {
	s := startService(t, limit)
	idle := s.fill(1, limit-2)
	if !idle[0].isOpen() { // and idle for less long than the others, now
		t.Fatal("it is closed too early")
	}
	s.fill(1, 5)
	if !idle[0].isOpen() {
		t.Error("the connection that was used is closed")
	}
	if idle[1].answer() != "" {
		t.Error("the longest idle connection is answered")
	}
}

func TestAddressWithMostIdleConnectionsLosesThem(t *testing.T) {
	s := startService(t, limit)
	few := s.fill(1, 3) // idle for longest
	s.fill(2, 2*limit)
	s.fill(3, 10)
	for i, c := range few {
		if !c.isOpen() {
			t.Errorf("connection %d of the address with few is closed", i)
		}
	}
}

func TestManyAddressesWithOneIdleConnectionLeaveRoom(t *testing.T) {
	s := startService(t, limit)
	for host := range 3 * limit {
		s.fill(2+host, 1)
	}
	if shed := s.listener.Stats().Shed; shed < 2*limit {
		t.Errorf("%d connections are closed for others, want %d", shed, 2*limit)
	}
}

func TestSlowSendersLeaveRoom(t *testing.T) {
	for name, hosts := range map[string]int{"of one address": 1, "of many addresses": 2 * limit} {
		t.Run(name, func(t *testing.T) {
			s := startService(t, limit)
			for n := range 2 * limit {
				c := s.dial(2 + n%hosts)
				io.WriteString(c, "GET /healthcheck HTTP/1.1\r\nHost: lsapi\r\nX-Slow: ")
			}
			for range 5 {
				if got := s.dial(1).check(); got != "spare false" {
					t.Fatalf("a new connection is answered %q", got)
				}
			}
		})
	}
}

func TestSlowSendersOfBodiesLeaveRoom(t *testing.T) {
	for name, hosts := range map[string]int{"of one address": 1, "of many addresses": 2 * limit} {
		t.Run(name, func(t *testing.T) {
			s := startService(t, limit)
			var first *conn
			for n := range 2 * limit {
				c := s.dial(2 + n%hosts)
				if n == 0 {
					first = c
				}
				io.WriteString(c, "POST /body HTTP/1.1\r\nHost: lsapi\r\nContent-Length: 2\r\n\r\na")
				s.wantEntered()
			}
			for range 5 {
				if got := s.dial(1).check(); got != "spare false" {
					t.Fatalf("a new connection is answered %q", got)
				}
			}
			if _, err := io.WriteString(first, "b"); err == nil && first.answer() != "" || s.bodies.Load() > 0 {
				t.Error("a request was carried out on a connection that was closed")
			}
		})
	}
}

func TestBodyIsReadWhole(t *testing.T) {
	s := startService(t, limit)
	c := s.dial(1)
	for range 3 {
		io.WriteString(c, "POST /body HTTP/1.1\r\nHost: lsapi\r\nContent-Length: 2\r\n\r\na")
		<-s.entered
		io.WriteString(c, "b")
		if got := c.answer(); got != "spare false" {
			t.Fatalf("it is answered %q", got)
		}
	}
	if got := s.bodies.Load(); got != 3 {
		t.Errorf("%d bodies were read", got)
	}
}

// net/http does not wait for a large body before it sends the response.
func TestRequestIsAnsweredBeforeItsLargeBodyArrives(t *testing.T) {
	s := startService(t, limit)
	c := s.dial(1)
	io.WriteString(c, "POST /refuse HTTP/1.1\r\nHost: lsapi\r\nContent-Length: 1000000\r\n\r\n")
	_ = c.SetReadDeadline(time.Now().Add(timeout))
	if line, err := c.reader.ReadString('\n'); err != nil || line != "HTTP/1.1 200 OK\r\n" {
		t.Errorf("the answer is %q, %v", line, err)
	}
}

func TestSlowReadersLeaveRoom(t *testing.T) {
	s := startService(t, limit)
	for n := range limit {
		s.dial(2 + n).send("/large")
	}
	for range 5 {
		if got := s.dial(1).check(); got != "spare false" {
			t.Fatalf("a new connection is answered %q", got)
		}
	}
}

func TestAnsweredRequestLeavesRoom(t *testing.T) {
	s := startService(t, 2)
	for range 2 {
		s.dial(1).send("/linger")
		<-s.entered
	}
	if got := s.dial(2).check(); got != "spare false" {
		t.Errorf("a new connection is answered %q", got)
	}
}

func TestActiveRequestIsNeverCutOff(t *testing.T) {
	s := startService(t, limit)
	held := s.hold(1, limit-4)
	s.fill(2, 2*limit)
	for range held {
		s.release <- struct{}{}
	}
	for i, c := range held {
		if got := c.answer(); got != "spare false" {
			t.Errorf("request %d is answered %q", i, got)
		}
	}
}

func TestStreamIsExempt(t *testing.T) {
	s := startService(t, limit)
	stream := s.dial(1)
	stream.send("/stream") // and does not read it for longer than another reader may
	eventually(t, "it streams", func() bool { return s.listener.Stats().Open == 1 })
	slow := s.dial(2)
	slow.send("/large")
	s.hold(3, limit-4)
	s.hold(4, 2)
	if s.fill(5, 1); s.listener.Stats().Shed != 1 {
		t.Errorf("it counts %+v", s.listener.Stats())
	}
	if n, err := io.CopyN(io.Discard, stream, 32<<20); err != nil {
		t.Errorf("the stream ends after %d bytes: %v", n, err)
	}
}

func TestReserveIsForHealthChecksAndAddressesWithFew(t *testing.T) {
	s := startService(t, limit)
	s.hold(1, limit-2)
	check := s.dial(1)
	if got := check.check(); got != "spare true" {
		t.Errorf("the address that holds most is answered %q", got)
	}
	check.Close()
	eventually(t, "it is closed", func() bool { return s.listener.Stats().Open == limit-2 })
	s.hold(2, 1)
	if got := s.dial(1).check(); got != "spare true" {
		t.Errorf("the address that holds most is answered %q", got)
	}
}

func TestConnectionBeyondTheReserveWaits(t *testing.T) {
	s := startService(t, limit)
	s.hold(1, limit-2)
	held := s.hold(2, 2)
	next := s.dial(3)
	next.send("/healthcheck")
	eventually(t, "the log warns", func() bool { return strings.Contains(s.log.String(), "the limit of connections is reached") })
	if open := s.listener.Stats().Open; open != limit {
		t.Errorf("%d are open, want %d", open, limit)
	}
	s.release <- struct{}{}
	if got := next.answer(); got != "spare false" {
		t.Errorf("the next is answered %q", got)
	}
	other := s.dial(4)
	other.send("/hold") // takes the place of the idle
	<-s.entered
	last := s.dial(5)
	last.send("/healthcheck")
	held[0].Close() // is not noticed before its request ends, unless the other is
	s.release <- struct{}{}
	if got := last.answer(); got != "spare false" {
		t.Errorf("the last is answered %q", got)
	}
	if warnings := strings.Count(s.log.String(), "level=WARN"); warnings != 1 {
		t.Errorf("the log warns %d times in a minute", warnings)
	}
}

func TestClosedListenerDropsTheWaitingConnection(t *testing.T) {
	s := startService(t, limit)
	s.hold(1, limit-2)
	s.hold(2, 2)
	next := s.dial(3)
	eventually(t, "the log warns", func() bool { return s.log.String() != "" })
	if err := s.listener.Close(); err != nil {
		t.Error(err)
	}
	if got := next.answer(); got != "" {
		t.Errorf("it is answered %q", got)
	}
}

func TestLimitOfOneServesClientsInTurn(t *testing.T) {
	s := startService(t, 1)
	for n := range 5 {
		if got := s.dial(1 + n).check(); got != "spare false" {
			t.Errorf("connection %d is answered %q", n, got)
		}
	}
}

func TestFloodDoesNotLockOutOtherClients(t *testing.T) {
	s := startService(t, limit)
	stop := make(chan struct{})
	var flood sync.WaitGroup
	for first := range 3 {
		flood.Go(func() {
			open := make([]*conn, 100)
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if last := open[n%len(open)]; last != nil {
					last.Close()
				}
				c, err := s.connect(2 + (3*n+first)%200)
				if err != nil {
					t.Error(err)
					return
				}
				open[n%len(open)] = c
			}
		})
	}
	for n := range 5 {
		if got := s.dial(1).check(); got != "spare false" {
			t.Errorf("request %d is answered %q", n, got)
		}
	}
	close(stop)
	flood.Wait()
}
