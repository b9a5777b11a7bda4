package app

import (
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
)

// A client can pipeline many requests. Their goroutine never blocks, and the scheduler
// preempts it only after 10 ms: a hundred such clients would delay all others, health
// checks included, by a second. So a connection with another request already read
// yields after each response. Others don't, since yielding is not cheap.

// yieldingListener accepts connections that can yield.
type yieldingListener struct{ net.Listener }

func (l yieldingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &yieldingConn{Conn: conn}, nil
}

// yieldingConn records whether it was read since its last response.
type yieldingConn struct {
	net.Conn
	read atomic.Bool
}

// NetConn returns the wrapped connection.
func (c *yieldingConn) NetConn() net.Conn { return c.Conn }

func (c *yieldingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.read.Store(true)
	}
	return n, err
}

// yieldIfPipelined yields the processor after a response, which makes the connection
// idle, if the next request was read together with the last one.
func yieldIfPipelined(conn net.Conn, state http.ConnState) {
	if state != http.StateIdle {
		return
	}
	if c, ok := conn.(*yieldingConn); ok && !c.read.Swap(false) {
		runtime.Gosched()
	}
}
