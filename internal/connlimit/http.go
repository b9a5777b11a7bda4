package connlimit

import (
	"context"
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
// can rely on it that nothing was done.
func Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*Conn); ok && c.idleSince.Load() == shed {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
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
