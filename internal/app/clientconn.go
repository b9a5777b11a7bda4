package app

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
)

// clientListener accepts clientConns.
type clientListener struct {
	net.Listener
	refuse refuser
}

func (l clientListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &clientConn{Conn: conn, refuse: l.refuse}, nil
}

// clientConn is a connection of a client.
type clientConn struct {
	net.Conn
	refuse refuser
	read   atomic.Bool // since its last response
	served atomic.Bool // the handler has the current request, or had the last one
}

// NetConn returns the wrapped connection.
func (c *clientConn) NetConn() net.Conn { return c.Conn }

func (c *clientConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.read.Store(true)
	}
	return n, err
}

// A client can pipeline many requests. Their goroutine never blocks, and the scheduler
// preempts it only after 10 ms: a hundred such clients would delay all others, health
// checks included, by a second. So a connection with another request already read
// yields after each response. Others don't, since yielding is not cheap.

// idle is called after a response, which makes the connection idle. It yields the processor
// if the next request was read together with the last one.
func (c *clientConn) idle() {
	c.served.Store(false)
	if !c.read.Swap(false) {
		runtime.Gosched()
	}
}

// net/http itself responds to a request that it cannot parse, and closes the connection. Its
// responses have neither the form nor the headers of the others, and no line in the log.

// refuser returns the response to a request that never reached the handler: of the status,
// with what is wrong with it, to the client's address.
type refuser func(status int, problem, client string) []byte

// Write replaces the responses of net/http itself, each of which is one write.
func (c *clientConn) Write(p []byte) (int, error) {
	if c.served.Load() || c.refuse == nil {
		return c.Conn.Write(p)
	}
	if status, problem, ok := parseRefusal(p); ok {
		if _, err := c.Conn.Write(c.refuse(status, problem, c.RemoteAddr().String())); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// parseRefusal returns the status of a response of net/http itself, and the detail in its
// body, which may be empty.
func parseRefusal(response []byte) (status int, problem string, ok bool) {
	head, body, ok := bytes.Cut(response, []byte("\r\n\r\n"))
	line, _, _ := strings.Cut(string(head), "\r\n")
	words := strings.Fields(line)
	if !ok || len(words) < 2 || !strings.HasPrefix(line, "HTTP/1.") {
		return 0, "", false
	}
	status, err := strconv.Atoi(words[1])
	problem = strings.TrimPrefix(string(body), words[1]+" "+http.StatusText(status))
	return status, strings.TrimPrefix(problem, ": "), err == nil
}

type clientKey struct{}

// withClient is for http.Server. markServed needs it.
func withClient(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, clientKey{}, conn)
}

// markServed marks connections whose request has reached the handler.
func markServed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(clientKey{}).(*clientConn); ok {
			c.served.Store(true)
		}
		next.ServeHTTP(w, r)
	})
}
