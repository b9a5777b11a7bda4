package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"lsapi/internal/connlimit"
)

// The bounds on what a client may do to a connection.
const (
	// headerTimeout cuts off who sends a header byte by byte. A real client's
	// header arrives in one piece.
	headerTimeout = 5 * time.Second
	// transferTimeout is the time to send a body of at most 64 KiB, and again to
	// take a response, over a poor line; it comes on top of the work's own bound.
	// (A read that times out while the work is under way would cancel the work,
	// so that the two cannot be bounded apart from it.)
	transferTimeout = 10 * time.Second
	// idleTimeout is longer than the 60 s for which an AWS load balancer keeps an
	// idle connection by default: if ours were closed first, a request that just
	// then travels on it would fail.
	idleTimeout = 2 * time.Minute
	// maxHeaderBytes is far above any sane request's header and keeps a thousand
	// bad ones cheap.
	maxHeaderBytes = 32 << 10
)

// Server serves HTTP on one listener until it is stopped.
type Server struct {
	http     *http.Server
	listener net.Listener
	failed   chan error
}

// Serve starts to serve. No request takes longer than work, plus what its
// transfer takes; 0 is no bound. What goes wrong with single connections is
// logged as a warning.
func Serve(listener net.Listener, handler http.Handler, work time.Duration, log *slog.Logger) *Server {
	s := &Server{
		listener: listener,
		failed:   make(chan error, 1),
		http: &http.Server{
			Handler:                      connlimit.Handler(closeAfterChunked(handler)),
			DisableGeneralOptionsHandler: true, // "OPTIONS *" gets the handler's answer, like any other request
			ReadHeaderTimeout:            headerTimeout,
			IdleTimeout:                  idleTimeout,
			MaxHeaderBytes:               maxHeaderBytes,
			ConnContext:                  connlimit.ConnContext,
			ConnState:                    noteState,
			ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		},
	}
	if work > 0 {
		s.http.ReadTimeout = work + transferTimeout
		s.http.WriteTimeout = work + 2*transferTimeout
	}
	go func() {
		if err := s.http.Serve(inTurns{listener}); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	}()
	return s
}

// noteState is what the server calls with each state of a connection.
func noteState(conn net.Conn, state http.ConnState) {
	connlimit.ConnState(conn, state)
	takeTurns(conn, state)
}

// closeAfterChunked takes no further request on a connection after a body in chunks.
// net/http drops a Content-Length beside them, as it should, and does not say so; a proxy
// that believes the length takes what follows for another request than lsapi does (RFC
// 9112, section 6.1).
func closeAfterChunked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// Addr returns the address that is served, its real port included.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Failed gives the error with which serving ended, if it ended by itself.
func (s *Server) Failed() <-chan error { return s.failed }

// Stop accepts no more connections and lets the requests that are under way
// finish. Those that have not when ctx ends are cut off, and ctx's error is
// returned.
func (s *Server) Stop(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	return err
}

// Close stops serving at once and cuts off what is under way.
func (s *Server) Close() error { return s.http.Close() }
