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
		Checks:  []exchange.Endpoint{checkName},
		Get:     a.list,
		Post:    func(x *exchange.Exchange) error { return a.change(x, lsapi.Attach) },
		Delete:  func(x *exchange.Exchange) error { return a.change(x, lsapi.Detach) },
	}}
}

// checkName answers 404 for impossible names, without a call to AWS.
func checkName(x *exchange.Exchange) error {
	if !lsapi.ValidPoolName(x.Request.PathValue(nameParameter)) {
		return lsapi.Errorf(lsapi.CodeNotFound,
			"there is no such load balancer; a name is 1 to 32 letters, digits and hyphens, with no hyphen at either end")
	}
	return nil
}
