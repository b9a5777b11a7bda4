package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"lsapi/internal/background"
	"lsapi/internal/connlimit"
)

// The limits of a client connection.
const (
	// headerTimeout bounds the time to send a header, against slow-header attacks.
	headerTimeout = 5 * time.Second
	// transferTimeout is the time for a body of at most 64 KiB, and again for a response,
	// on a slow network. It is added to the bound on the work, because a read timeout
	// during the work would cancel it.
	transferTimeout = 10 * time.Second
	// idleTimeout exceeds the 60 s after which an AWS load balancer closes an idle
	// connection by default. If the server closed first, a request in flight would fail.
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 32 << 10
	// unreadPoll is the interval at which a stop looks for clients that do not read.
	unreadPoll = 250 * time.Millisecond
)

// Server serves HTTP on one listener until it is stopped.
type Server struct {
	http     *http.Server
	listener net.Listener
	failed   chan error
	unread   time.Duration // a stop closes connections that were not read for that long
}

// Serve starts serving. A request takes at most work plus the transfer timeouts; a work
// of 0 means no bound. Errors of single connections are logged as warnings. A handler with a
// method Refuse, as exchange.Handler has it, also responds to requests that net/http cannot
// parse.
func Serve(listener net.Listener, handler http.Handler, work time.Duration, log *slog.Logger) *Server {
	s := &Server{
		listener: listener,
		failed:   make(chan error, 1),
		unread:   transferTimeout,
		http: &http.Server{
			Handler:                      markServed(connlimit.Handler(closeAfterChunked(handler))),
			DisableGeneralOptionsHandler: true, // the handler handles "OPTIONS *", too
			ReadHeaderTimeout:            headerTimeout,
			IdleTimeout:                  idleTimeout,
			MaxHeaderBytes:               maxHeaderBytes,
			ConnContext:                  connContext,
			ConnState:                    connState,
			ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		},
	}
	if work > 0 {
		s.http.ReadTimeout = work + transferTimeout
		s.http.WriteTimeout = work + 2*transferTimeout
	}
	clients := clientListener{Listener: listener}
	if h, ok := handler.(interface {
		Refuse(status int, problem, peer string) []byte
	}); ok {
		clients.refuse = h.Refuse
	}
	go func() {
		if err := s.http.Serve(clients); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	}()
	return s
}

func connState(conn net.Conn, state http.ConnState) {
	connlimit.ConnState(conn, state)
	if c, ok := conn.(*clientConn); ok && state == http.StateIdle {
		c.idle()
	}
}

func connContext(ctx context.Context, conn net.Conn) context.Context {
	return withClient(connlimit.ConnContext(ctx, conn), conn)
}

// closeAfterChunked closes the connection after a chunked request. net/http silently
// drops a Content-Length beside the chunks. A proxy that uses the length would disagree
// on where the request ends (RFC 9112, section 6.1).
func closeAfterChunked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// Addr returns the listen address with its actual port.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Failed receives the error if serving ends by itself.
func (s *Server) Failed() <-chan error { return s.failed }

// Stop stops accepting connections and waits for the requests in flight, but not for
// clients that do not read their response. When ctx ends, it cuts off the rest and returns
// ctx's error.
func (s *Server) Stop(ctx context.Context) error {
	if limited, ok := s.listener.(*connlimit.Listener); ok {
		stopping, stopped := context.WithCancel(ctx)
		var cutting sync.WaitGroup
		cutting.Go(func() { background.Every(stopping, unreadPoll, func() { limited.CloseUnread(s.unread) }) })
		defer cutting.Wait()
		defer stopped()
	}
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	return err
}

// Close stops serving immediately and cuts off the requests in flight.
func (s *Server) Close() error { return s.http.Close() }
