package exchange

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"lsapi"
)

// Handler serves requests. It is safe for concurrent use.
type Handler struct {
	settings
	serve Endpoint
}

// NewHandler returns a handler that serves each request by serve.
func NewHandler(o Options, serve Endpoint) *Handler {
	return &Handler{settings: settings{Options: o}, serve: serve}
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := newExchange(&h.settings, w, r)
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
	begun, aborted := x.status != 0, isAbort(fault)
	if fault != nil && !aborted {
		x.settings.Log.LogAttrs(x.Context(), slog.LevelError, "panic",
			slog.String("request_id", x.ID),
			slog.Any("fault", fault),
			slog.String("stack", string(debug.Stack())))
		if !begun {
			x.writeError(lsapi.CodeInternal, internalText, nil)
		}
	}
	x.account()
	if aborted || fault != nil && begun {
		panic(http.ErrAbortHandler)
	}
}

func (x *Exchange) account() {
	now := time.Now()
	took := now.Sub(x.began)
	x.settings.Observe(x.Pattern, knownMethod(x.Request.Method), x.countedStatus(), took)
	x.log(now, took)
}

// countedStatus is the status for the metrics. A request that its client gave up is no
// failure of the service.
func (x *Exchange) countedStatus() int {
	if x.abandoned {
		return statusClientGone
	}
	return int(x.status)
}

// isAbort reports whether net/http's panic to cut a response off was raised.
func isAbort(fault any) bool {
	err, ok := fault.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// knownMethod bounds the methods in metrics.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return method
	}
	return "other"
}
