package exchange

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"sync/atomic"
	"time"

	"lsapi"
)

// Options configure a handler. All but TrustedProxies must be given.
type Options struct {
	// Log receives one record for each request, and one for each failure of the service.
	Log *slog.Logger
	// Observe is called after each request.
	Observe func(route, method string, status int, took time.Duration)
	// TrustedProxies are the peers whose X-Forwarded-For holds the client's address.
	TrustedProxies []netip.Prefix
	// Timeout is the request timeout, see Exchange.Deadline.
	Timeout time.Duration
	// FormatError returns the content type and the JSON value of an error. The cause may
	// be nil.
	FormatError func(path string, code lsapi.Code, text string, cause error) (contentType string, body any)
}

type handler struct {
	Options
	serve    Endpoint
	proxies  proxies
	reported atomic.Bool // the log has the warning of reportProxy
}

// NewHandler returns a handler that serves each request by serve.
func NewHandler(o Options, serve Endpoint) http.Handler {
	return &handler{Options: o, serve: serve, proxies: o.TrustedProxies}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := newExchange(h, w, r)
	defer x.linger() //nolint:contextcheck // the exchange carries it
	defer x.finish() //nolint:contextcheck // the exchange carries it
	if err := h.serve(x); err != nil {
		x.fail(err) //nolint:contextcheck // the exchange carries it
	}
}

// finish logs and counts the request. If the endpoint panicked, it also answers with an
// error, or cuts the response off if that has begun.
func (x *Exchange) finish() {
	fault := recover()
	if fault == nil {
		x.account()
		return
	}
	begun := x.status != 0
	aborted := isAbort(fault)
	if !aborted {
		x.handler.Log.LogAttrs(x.Context(), slog.LevelError, "panic",
			slog.String("request_id", x.ID),
			slog.Any("fault", fault),
			slog.String("stack", string(debug.Stack())))
		if !begun {
			x.writeError(lsapi.CodeInternal, internalText, nil)
		}
	}
	x.account()
	if aborted || begun {
		panic(http.ErrAbortHandler)
	}
}

func (x *Exchange) account() {
	now := time.Now()
	took := now.Sub(x.began)
	x.handler.Observe(x.Pattern, knownMethod(x.Request.Method), int(x.status), took)
	x.log(now, took)
}

// isAbort reports whether net/http's panic to cut a response off was raised.
func isAbort(fault any) bool {
	err, ok := fault.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// knownMethod bounds the methods in metrics.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete:
		return method
	}
	return "other"
}
