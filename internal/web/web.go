// Package web is the service's HTTP contract: routes, credentials, request
// bodies, responses, headers and statuses. What a membership is and how it
// changes is behind the Membership that it is given.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"lsapi"
	"lsapi/internal/events"
	v1 "lsapi/internal/web/v1"
)

// Membership changes the memberships of load balancers. Errors are *lsapi.Error; an
// error of another kind is a defect, unless it is the context's.
type Membership interface {
	// Change attaches or detaches an instance and returns what EC2 knows of it; in
	// any case, whether the record knows of the change.
	// CodeNotFound: no such load balancer. CodeInvalid: the instance cannot be
	// attached. CodeConflict: the membership already is as asked. CodeThrottled:
	// nothing changed. CodeTimeout: the outcome may be open.
	Change(ctx context.Context, req lsapi.Request) (lsapi.Result, error)
}

// Authenticator knows who may ask.
type Authenticator interface {
	// Authenticate returns the actor of an Authorization header's value, which is
	// empty when there is no such header, of a request from the address client.
	// Anything but right credentials is CodeUnauthenticated. CodeThrottled: they
	// were not looked at.
	Authenticate(ctx context.Context, authorization, client string) (lsapi.Actor, error)
	// Revalidate returns CodeUnauthenticated when credentials that Authenticate accepted
	// are not in force any more. It is cheap, and no limit keeps it from an answer.
	Revalidate(authorization string) error
}

// DefaultRequestTimeout is how long a request may wait for its Membership when
// Options say nothing.
const DefaultRequestTimeout = 30 * time.Second

// defaultMaxLasting is how many requests may last when Options say nothing.
const defaultMaxLasting = 1000

// Options are what a handler is made of. Membership and Authenticator must be
// given.
type Options struct {
	Membership    Membership
	Authenticator Authenticator
	// Log gets a record with the message "request" for each request, with the
	// attributes status, method, path, client, duration, user and request_id,
	// and another for each request that failed through no fault of its own.
	// Default: none.
	Log *slog.Logger
	// Version is that of the service, for its documents. Default: "devel".
	Version string
	// Envelope is how a response's value is wrapped. Default: EnvelopeMessage.
	Envelope Envelope
	// RequestTimeout bounds how long a request waits for Membership; when it has
	// passed, the answer is 504. Default: DefaultRequestTimeout.
	RequestTimeout time.Duration
	// Lists answers lists. Default: Membership is asked for each.
	Lists Lists
	// Observe is told of each answered request: the pattern of the route that
	// matched, the method, the status and how long it took. Default: nobody is.
	Observe func(route, method string, status int, took time.Duration)
	// Expect is called with each route that answers for load balancers or the record,
	// and its methods but HEAD, before the first request. Nil: it is not called.
	Expect func(route, method string)
	// Metrics answers /metrics, to anybody if MetricsPublic is set. Default:
	// there is no such path.
	Metrics       http.Handler
	MetricsPublic bool
	// Record is what the /v1 API reads. Default: there is no /v1 API.
	Record v1.Record
	// Fleet is what the /v1 API shows of load balancers and their members, and what
	// changes that wait for their effect ask. It wants a Record beside it. Default:
	// there are no such paths, and nobody can wait.
	Fleet v1.Fleet
	// Events are what the /v1 API tells to who watches, and Exists tells whether there
	// is a load balancer to watch. They want a Record beside them. Default: nobody can
	// watch.
	Events *events.Hub
	Exists func(ctx context.Context, loadBalancer string) error
	// Stopping ends when the service is about to stop: requests that wait for a
	// load balancer are answered at once then. Default: never.
	Stopping context.Context //nolint:containedctx // it is not a request's
	// Spare reports whether a request came on a connection that is there only for health
	// checks, because too many are open. What needs credentials is answered 503 then.
	// Default: none does.
	Spare func(context.Context) bool
	// MaxLasting is how many requests may wait or watch at once, at most; a single user
	// may have three quarters of them. Default: 1,000.
	MaxLasting int
	// RecordReads is how many questions the /v1 API asks Record at once, at most.
	// Default: 1.
	RecordReads int
	// Keys remember requests that are sent again, and Record what became of them.
	// Default: such requests are like any others.
	Keys Keys
	// Ready returns what keeps the service from doing all that it is for, for
	// /readyz. Default: nothing.
	Ready func(context.Context) error
	// TrustedProxies are the peers whose X-Forwarded-For tells the client's
	// address. Default: none.
	TrustedProxies []netip.Prefix
}

// New returns the handler of every request. It answers any path and method, and
// never redirects.
func New(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.RequestTimeout <= 0 {
		o.RequestTimeout = DefaultRequestTimeout
	}
	if o.Expect == nil {
		o.Expect = func(string, string) {}
	}
	if o.Observe == nil {
		o.Observe = func(string, string, int, time.Duration) {}
	}
	if o.Stopping == nil {
		o.Stopping = context.Background()
	}
	if o.Spare == nil {
		o.Spare = func(context.Context) bool { return false }
	}
	if o.Ready == nil {
		o.Ready = func(context.Context) error { return nil }
	}
	if o.MaxLasting <= 0 {
		o.MaxLasting = defaultMaxLasting
	}
	if o.Version == "" {
		o.Version = "devel"
	}
	s := &server{
		version:       o.Version,
		lasting:       newLasting(o.MaxLasting),
		keys:          o.Keys,
		fleet:         o.Fleet,
		stopping:      o.Stopping,
		spare:         o.Spare,
		watched:       o.Events != nil,
		changes:       o.Record,
		ready:         o.Ready,
		lists:         o.Lists,
		observe:       o.Observe,
		metrics:       o.Metrics,
		membership:    o.Membership,
		authenticator: o.Authenticator,
		log:           o.Log,
		envelope:      o.Envelope,
		timeout:       o.RequestTimeout,
		proxies:       o.TrustedProxies,
		origins:       http.NewCrossOriginProtection(),
	}
	s.record = s.newRecordAPI(o)
	s.mux = s.routes(o.MetricsPublic, o.Expect)
	return s
}
