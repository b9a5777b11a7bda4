package connlimit

import (
	"context"
	"net"
	"net/http"
)

// ConnState is for http.Server: it notes which connections serve a request.
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

// unwrap returns the connection of a Listener inside of others; nil if there is none.
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

// ConnContext is for http.Server: it is what Handler and Spare need.
func ConnContext(ctx context.Context, conn net.Conn) context.Context {
	if c := unwrap(conn); c != nil {
		return context.WithValue(ctx, connKey{}, c)
	}
	return ctx
}

// Handler handles no request whose connection was closed for another: its client, which
// gets no answer, may rely on it that nothing was done.
func Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*Conn); ok && c.idleSince.Load() == shed {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
}

// Answered notes that a request has its whole answer: its connection counts as idle.
func Answered(ctx context.Context) {
	if c, ok := ctx.Value(connKey{}).(*Conn); ok {
		c.setIdle()
	}
}

// Spare reports whether a request came on a connection that is there only for health
// checks, because too many are open.
func Spare(ctx context.Context) bool {
	c, ok := ctx.Value(connKey{}).(*Conn)
	return ok && c.spare
}
