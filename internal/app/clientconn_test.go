package app

import (
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestOnlyPipelinedConnectionYields(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	conn := &clientConn{Conn: near}
	const answers = 100
	yields := func(before func()) (times int) {
		for range answers {
			before()
			var other atomic.Bool
			go other.Store(true)
			conn.idle()
			if other.Load() {
				times++
			}
			for !other.Load() {
				runtime.Gosched()
			}
		}
		return times
	}
	// The scheduler occasionally runs the other goroutine by itself.
	if n := yields(func() {}); n < answers*9/10 {
		t.Errorf("a connection with a pipelined request yields %d times of %d", n, answers)
	}
	if n := yields(func() { conn.read.Store(true) }); n > answers/10 {
		t.Errorf("a connection that read the next request yields %d times of %d", n, answers)
	}
}

func TestConnectionRecordsReads(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	conn := &clientConn{Conn: near}
	go far.Write([]byte("GET"))
	if n, err := conn.Read(make([]byte, 10)); n != 3 || err != nil || !conn.read.Swap(false) {
		t.Errorf("Read returned %d, %v, and was not recorded", n, err)
	}
	near.Close()
	if _, err := conn.Read(make([]byte, 10)); err == nil || conn.read.Load() {
		t.Errorf("Read returned %v without data, and was recorded", err)
	}
}

// The race detector randomizes the scheduler: the test proves more without it.
func TestPipelinedRequestsAlternateWithOtherClients(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var order string
	for range 10 { // a preempted thread loses its turns
		order = pipelined(t, 30)
		if !strings.Contains(order, strings.Repeat("a", 15)) && !strings.Contains(order, strings.Repeat("b", 15)) {
			return
		}
	}
	t.Errorf("the order of responses to clients a and b is %s", order)
}

// pipelined sends many requests at once from each of two clients, and returns the order
// of the responses.
func pipelined(t *testing.T, many int) string {
	t.Helper()
	var together, answers sync.WaitGroup
	together.Add(2)
	answers.Add(2 * many)
	var mu sync.Mutex
	var order strings.Builder
	_, url := serve(t, time.Minute, func(_ http.ResponseWriter, r *http.Request) {
		defer answers.Done()
		if r.URL.Query().Has("first") {
			together.Done()
			together.Wait()
		}
		mu.Lock()
		defer mu.Unlock()
		order.WriteString(r.URL.Path[1:])
	})
	for _, client := range []string{"a", "b"} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		const rest = " HTTP/1.1\r\nHost: lsapi\r\n\r\n"
		requests := "GET /" + client + "?first" + rest + strings.Repeat("GET /"+client+rest, many-1)
		if _, err := conn.Write([]byte(requests)); err != nil {
			t.Fatal(err)
		}
	}
	answers.Wait()
	return order.String()
}
