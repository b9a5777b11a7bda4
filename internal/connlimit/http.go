package connlimit

import (
	"context"
	"io"
	"net"
	"net/http"
)

// ConnState is for http.Server. It tracks which connections serve a request.
func ConnState(conn net.Conn, state http.ConnState) {
	c := unwrap(conn)
	if c == nil {
		return
	}
	switch state {
	case http.StateActive:
		c.setActive()
	case http.StateIdle:
		c.setIdle()
	case http.StateHijacked:
		c.exempt.Store(true)
	case http.StateNew, http.StateClosed:
	}
}

// unwrap returns the Conn inside of wrappers, or nil.
func unwrap(conn net.Conn) *Conn {
	for {
		switch c := conn.(type) {
		case *Conn:
			return c
		case interface{ NetConn() net.Conn }:
			conn = c.NetConn()
		default:
			return nil
		}
	}
}

type connKey struct{}

// ConnContext is for http.Server. Handler, Answered and Spare need it.
func ConnContext(ctx context.Context, conn net.Conn) context.Context {
	if c := unwrap(conn); c != nil {
		return context.WithValue(ctx, connKey{}, c)
	}
	return ctx
}

// Handler aborts requests whose connection was shed, so that a client without a response
// can rely on it that nothing was done. While a body is awaited, its connection is idle.
func Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*Conn); ok {
			if c.idleSince.Load() == shed {
				panic(http.ErrAbortHandler)
			}
			if r.ContentLength != 0 {
				copied := *r // net/http treats a body of its own type better, in its request
				copied.Body = body{r.Body, c}
				r = &copied
			}
		}
		next.ServeHTTP(w, r)
	})
}

// body is the body of a request. A client that does not send it must not keep its
// connection from being shed.
type body struct {
	io.ReadCloser
	conn *Conn
}

// Read returns net.ErrClosed if the connection was shed meanwhile, even if the rest of the
// body had arrived.
func (b body) Read(p []byte) (int, error) {
	b.conn.setIdle()
	n, err := b.ReadCloser.Read(p)
	b.conn.setActive()
	if b.conn.idleSince.Load() == shed {
		return 0, net.ErrClosed
	}
	return n, err //nolint:wrapcheck // net/http's own
}

// Answered marks the connection as idle after the whole response was sent.
func Answered(ctx context.Context) {
	if c, ok := ctx.Value(connKey{}).(*Conn); ok {
		c.setIdle()
	}
}

// Spare reports whether a request's connection is for health checks only, because too many
// are open.
func Spare(ctx context.Context) bool {
	c, ok := ctx.Value(connKey{}).(*Conn)
	return ok && c.spare
}
