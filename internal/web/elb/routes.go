package elb

import (
	"lsapi"
	"lsapi/internal/web/exchange"
)

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
