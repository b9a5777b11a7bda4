package app

import (
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
)

// A client may send many requests at once. They are answered one after the other
// by a goroutine that need not wait for anything, and that the scheduler takes the
// processor from only after 10 ms: some hundred such clients would hold everybody
// else up for a second, health checks included. So who has more requests at hand
// lets the others go first after each answer. Everybody else does not: going to
// the end of the scheduler's queue is not cheap.

// inTurns is a listener whose connections can be told to take turns.
type inTurns struct{ net.Listener }

func (l inTurns) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &turnConn{Conn: conn}, nil
}

// turnConn knows whether something was read since its last answer.
type turnConn struct {
	net.Conn
	read atomic.Bool
}

// NetConn returns the connection inside.
func (c *turnConn) NetConn() net.Conn { return c.Conn }

func (c *turnConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.read.Store(true)
	}
	return n, err
}

// takeTurns is told by the server when an answer was sent, which makes the
// connection idle.
func takeTurns(conn net.Conn, state http.ConnState) {
	if state != http.StateIdle {
		return
	}
	if c, ok := conn.(*turnConn); ok && !c.read.Swap(false) {
		runtime.Gosched()
	}
}
