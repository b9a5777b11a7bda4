// Package web is the HTTP side of the service: it routes requests to the APIs in its
// subpackages, to their documents, and to the health checks.
package web

import (
	"strings"

	"lsapi"
	"lsapi/internal/web/change"
	"lsapi/internal/web/elb"
	"lsapi/internal/web/exchange"
	v1 "lsapi/internal/web/v1"
)

// New returns the handler of all requests. It answers any path and method, and never
// redirects.
func New(o Options) *exchange.Handler {
	long := exchange.NewLongRequests(o.Stopping, o.MaxLongRequests, o.Authenticator.Revalidate)
	r := newRouter(&o)
	changes := change.New(change.Options{
		Membership: o.Membership, Overrides: o.Overrides, Effects: o.Fleet, LongRequests: long, Keys: o.Keys, Record: o.Record,
		Timeout: o.RequestTimeout, Log: o.Log,
	})
	first := elb.New(elb.Options{Changes: changes, Lists: o.Lists, Envelope: o.Envelope})
	second := v1.New(v1.Options{
		Version: o.Version, Record: o.Record, Fleet: o.Fleet, Events: o.Events, Exists: o.Exists,
		Changes: changes, Reads: o.RecordReads, LongRequests: long,
	})
	r.add(first.Routes()...)
	r.add(second.Routes()...)
	r.add(documentRoutes(&o)...)
	r.add(probeRoutes(&o)...)
	r.add(v1DocumentRoutes(second)...)
	return exchange.NewHandler(exchange.Options{
		Log: o.Log, Observe: o.Observe, TrustedProxies: o.TrustedProxies, Timeout: o.RequestTimeout,
		FormatError: errorFormat(&o),
	}, r.serve)
}

// errorFormat returns the format of errors: problems in /v1, the envelope elsewhere.
func errorFormat(o *Options) func(path string, code lsapi.Code, text string, cause error) (string, any) {
	return func(path string, code lsapi.Code, text string, cause error) (string, any) {
		if strings.HasPrefix(path+"/", "/v1/") {
			return v1.TypeProblem, v1.ErrorBody(code, text, cause)
		}
		return exchange.TypeJSON, o.Envelope.WrapError(text)
	}
}
