package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"lsapi"
	"lsapi/internal/events"
	"lsapi/internal/web/change"
	"lsapi/internal/web/elb"
	v1 "lsapi/internal/web/v1"
)

// Authenticator authenticates callers.
type Authenticator interface {
	// Authenticate returns the actor of the value of an Authorization header, empty if
	// there is none, in a request from the address client. CodeUnauthenticated: the
	// credentials are missing or wrong. CodeThrottled: they were not checked.
	Authenticate(ctx context.Context, authorization, client string) (lsapi.Actor, error)
	// Revalidate returns CodeUnauthenticated if accepted credentials have been revoked. It
	// is cheap and never throttled.
	Revalidate(authorization string) error
}

// Options configure a handler. All but Overrides and TrustedProxies are required.
type Options struct {
	Membership change.Membership
	// Overrides are the rights to override guards. Nil: everybody may.
	Overrides     change.Overrides
	Lists         elb.Lists
	Authenticator Authenticator
	// Log receives a record "request" for each request, with the attributes status,
	// method, path, client, duration, user and request_id, and one for each failure of the
	// service.
	Log *slog.Logger
	// Version is that of the service, for its documents.
	Version string
	// Envelope is the form of the responses outside of /v1.
	Envelope elb.Envelope
	// RequestTimeout bounds the work of a request, which is then answered 504.
	RequestTimeout time.Duration
	// Observe is called after each request with the pattern of its route, "other" without
	// one, and "unauthenticated" if its credentials were not accepted. The status is 499 if
	// the client left before there was one.
	Observe func(route, method string, status int, took time.Duration)
	// Expect is called by New for each route and method that needs credentials, except
	// probes and HEAD, and for the route "unauthenticated".
	Expect func(route, method string)
	// Metrics serves /metrics, without credentials if MetricsPublic.
	Metrics       http.Handler
	MetricsPublic bool
	// Record is read by the /v1 API.
	Record v1.Record
	// Fleet shows pools in the /v1 API, and waits for the effects of changes.
	Fleet v1.Fleet
	// Events are streamed by the /v1 API, of pools that Exists accepts.
	Events *events.Hub
	Exists v1.Exists
	// Stopping ends when the service is about to stop, and with it all waits.
	Stopping context.Context //nolint:containedctx // it is not a request's
	// Spare reports whether a request came on a connection that is reserved for health
	// checks, because too many are open. Requests that need credentials then get 503.
	Spare func(context.Context) bool
	// MaxLongRequests bounds the requests that wait or stream; one user may have three
	// quarters of them.
	MaxLongRequests int
	// RecordReads bounds the concurrent reads of Record by the /v1 API.
	RecordReads int
	// Keys are the idempotency keys.
	Keys change.Keys
	// Ready returns why the service is not ready, for /readyz.
	Ready func(context.Context) error
	// TrustedProxies are the peers whose X-Forwarded-For holds the client's address.
	TrustedProxies []netip.Prefix
}
