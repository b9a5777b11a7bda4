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

func TestOnlyWhoHasMoreRequestsAtHandLetsOthersGoFirst(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	conn := &turnConn{Conn: near}
	const answers = 100
	letGo := func(before func()) (times int) {
		for range answers {
			before()
			var other atomic.Bool
			go other.Store(true)
			takeTurns(conn, http.StateIdle)
			if other.Load() {
				times++
			}
			for !other.Load() {
				runtime.Gosched()
			}
		}
		return times
	}
	// The scheduler has a will of its own, now and then.
	if n := letGo(func() {}); n < answers*9/10 {
		t.Errorf("who has read nothing since the last answer lets others go %d times of %d", n, answers)
	}
	if n := letGo(func() { conn.read.Store(true) }); n > answers/10 {
		t.Errorf("who has read the next request lets others go %d times of %d", n, answers)
	}
}

func TestAConnectionKnowsThatItHasRead(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	conn := &turnConn{Conn: near}
	go far.Write([]byte("GET"))
	if n, err := conn.Read(make([]byte, 10)); n != 3 || err != nil || !conn.read.Swap(false) {
		t.Errorf("it reads %d bytes, %v, and does not know it", n, err)
	}
	near.Close()
	if _, err := conn.Read(make([]byte, 10)); err == nil || conn.read.Load() {
		t.Errorf("it reads nothing (%v), and thinks that it has", err)
	}
}

// The race detector has the scheduler choose at random, so that this says more
// without it.
func TestManyRequestsAtOnceAreAnsweredInTurnWithThoseOfOthers(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var order string
	for range 10 { // a thread that the system stops for a while loses its turns
		order = pipelined(t, 30)
		if !strings.Contains(order, strings.Repeat("a", 15)) && !strings.Contains(order, strings.Repeat("b", 15)) {
			return
		}
	}
	t.Errorf("clients a and b were answered in the order %s", order)
}

// pipelined has two clients send so many requests each at once, which a server
// reads in one piece, and returns the order in which they were answered.
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
