// Package elb is the service's first API, /elb/{elbName}: it lists the instances of a
// Classic load balancer, and attaches and detaches one.
package elb

import (
	"context"
	"log/slog"
	"time"

	"lsapi"
	"lsapi/internal/web/exchange"
)

// nameParameter is the load balancer's name in the path.
const nameParameter = "elbName"

// Membership changes the memberships of load balancers. Errors are *lsapi.Error; other
// errors are defects, unless they are the context's.
type Membership interface {
	// Change attaches or detaches an instance and returns EC2's description of it. The
	// result also says whether the change is on record, even beside an error.
	// CodeNotFound: no such load balancer. CodeInvalid: the instance cannot be
	// attached. CodeConflict: the membership already is as requested. CodeThrottled:
	// nothing changed. CodeTimeout: the outcome may be unknown.
	Change(ctx context.Context, req lsapi.Request) (lsapi.Result, error)
}

// Record reads the record of changes.
type Record interface {
	// Change returns the change with the id, or CodeNotFound.
	Change(ctx context.Context, id string) (lsapi.Change, error)
}

// Effects waits for the effects of changes.
type Effects interface {
	// Await waits until an instance meets the condition. CodeWaitTimeout: the context
	// ended first.
	Await(ctx context.Context, loadBalancer, instanceID string, condition lsapi.WaitCondition) (lsapi.MemberDetail, error)
}

// Options configure an API.
type Options struct {
	Membership Membership
	Lists      Lists
	Envelope   Envelope
	// Effects is nil if callers cannot wait for the effects of changes.
	Effects Effects
	// Long bounds the requests that wait.
	Long *exchange.LongRequests
	// Keys, and Record beside it, replay repeated requests. Nil: repeated requests are
	// like any others.
	Keys   Keys
	Record Record
	// Timeout is the request timeout.
	Timeout time.Duration
	Log     *slog.Logger
}

// API is the API.
type API struct{ Options }

// New returns an API.
func New(o Options) *API { return &API{o} }

// Routes returns the routes of the API.
func (a *API) Routes() []exchange.Route {
	return []exchange.Route{{
		Pattern: "/elb/{" + nameParameter + "}",
		Checks:  []exchange.Endpoint{exchange.CheckLoadBalancer(nameParameter)},
		Get:     a.list,
		Post:    func(x *exchange.Exchange) error { return a.change(x, lsapi.Attach) },
		Delete:  func(x *exchange.Exchange) error { return a.change(x, lsapi.Detach) },
	}}
}

// loadBalancer returns the name in the request's path.
func loadBalancer(x *exchange.Exchange) string { return x.Request.PathValue(nameParameter) }
