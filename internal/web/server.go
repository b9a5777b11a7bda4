package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"lsapi"
	v1 "lsapi/internal/web/v1"
)

// server is the handler of every request.
type server struct {
	membership    Membership
	lists         Lists
	authenticator Authenticator
	log           *slog.Logger
	envelope      Envelope
	version       string
	timeout       time.Duration
	proxies       proxies
	noticed       atomic.Bool // whether the log was told of a proxy that is not among them
	origins       *http.CrossOriginProtection
	observe       func(route, method string, status int, took time.Duration)
	metrics       http.Handler    // nil: there are none
	record        *v1.API         // nil: there is none
	watched       bool            // there are events to watch
	fleet         v1.Fleet        // nil: there is none
	stopping      context.Context //nolint:containedctx // it is not a request's
	spare         func(context.Context) bool
	changes       v1.Record // what it reads
	lasting       *lasting  // the requests that wait or watch
	keys          Keys      // nil: requests are never taken for repeated
	ready         func(context.Context) error
	mux           *http.ServeMux
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := newExchange(w, r)
	defer linger(x)   //nolint:contextcheck // the exchange carries it
	defer s.finish(x) //nolint:contextcheck // the exchange carries it
	if !routable(r) {
		s.fail(x, errNoSuchPath()) //nolint:contextcheck // the exchange carries it
		return
	}
	s.mux.ServeHTTP(x, r)
}

// routable reports whether the request's path is one that ServeMux takes as it
// is. Others, such as //elb/x, /elb/../x, the * of OPTIONS and the empty path of
// CONNECT, it would redirect or refuse in its own words. No route ends in a
// slash, so paths that do are not wanted either.
func routable(r *http.Request) bool {
	p := r.URL.EscapedPath()
	return strings.HasPrefix(p, "/") && p == path.Clean(p)
}

// finish ends the exchange, also when its handler panicked: the client gets an
// answer, or a connection that is visibly cut off, and the log gets its lines.
func (s *server) finish(x *exchange) {
	fault := recover()
	if fault == nil {
		s.account(x)
		return
	}
	begun := x.status != 0
	aborted := isAbort(fault)
	if !aborted {
		s.log.LogAttrs(x.context(), slog.LevelError, "panic",
			slog.String("request_id", x.id),
			slog.Any("fault", fault),
			slog.String("stack", string(debug.Stack())))
		if !begun {
			s.write(x, lsapi.CodeInternal, internalText, nil)
		}
	}
	s.account(x)
	if aborted || begun {
		panic(http.ErrAbortHandler)
	}
}

// account tells the log and the metrics of an exchange that has ended.
func (s *server) account(x *exchange) {
	now := time.Now()
	took := now.Sub(x.began)
	s.observe(x.route, knownMethod(x.request.Method), x.status, took)
	s.logAccess(x, now, took)
}

// client returns the address of the exchange's client, found out once.
func (s *server) client(x *exchange) string {
	if x.client == "" {
		x.client = s.proxies.client(x.request)
		s.noticeProxy(x)
	}
	return x.client
}

// noticeProxy tells the log, once, that somebody who is not trusted speaks for
// others: if it is a proxy, all of its clients are taken for one.
func (s *server) noticeProxy(x *exchange) {
	if _, speaks := x.request.Header["X-Forwarded-For"]; !speaks || s.noticed.Load() || s.proxies.trustPeer(x.request) {
		return
	}
	if !s.noticed.Swap(true) {
		s.log.WarnContext(x.context(), "a request has X-Forwarded-For, and its peer is not trusted: if that is your proxy, name it in --trusted-proxies, or the wrong passwords of one of its clients slow all of them down",
			"peer", x.client)
	}
}

// isAbort reports whether a panic is net/http's own way to cut a response off.
func isAbort(fault any) bool {
	err, ok := fault.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// knownMethod keeps clients from making up metrics.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete:
		return method
	}
	return "other"
}
