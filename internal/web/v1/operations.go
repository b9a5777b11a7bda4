package v1

import (
	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/semaphore"

	"lsapi/internal/web/exchange"
)

// New returns an API.
func New(o Options) *API {
	o.Record = boundedRecord{record: o.Record, reads: semaphore.NewWeighted(int64(o.Reads))}
	a := &API{Options: o, held: semaphore.NewWeighted(maxHeld), huma: huma.NewAPI(config(o.Version), documentOnly{})}
	a.huma.OpenAPI().Components.Responses = describeFailures(a.schemas())
	register(a, "listChanges", "/v1/changes", a.changes)
	register(a, "getChange", "/v1/changes/{id}", a.change)
	if o.Events != nil {
		register(a, "watchEvents", "/v1/events", a.events)
	}
	if o.Fleet != nil {
		register(a, "listPools", "/v1/pools", a.listPools)
		register(a, "getPool", "/v1/pools/{kind}/{name}", a.getPool, checkPool)
		register(a, "listMembers", "/v1/pools/{kind}/{name}/members", a.listMembers, checkPool)
		register(a, "getMember", "/v1/pools/{kind}/{name}/members/{member}", a.getMember, checkPool, checkMember)
		register(a, "getInstance", "/v1/instances/{instance}", a.getInstance, checkInstance)
	}
	tidyParameters(a.huma.OpenAPI())
	return a
}

// Routes returns the routes of the API.
func (a *API) Routes() []exchange.Route { return a.routes }

// register adds an operation whose parameters are the fields of I.
func register[I any](a *API, id, path string, serve func(*exchange.Exchange, *I) error, checks ...exchange.Endpoint) {
	huma.Register[I, huma.StreamResponse](a.huma, describe(a.schemas(), id, path), nil) // serves nothing
	op := a.huma.OpenAPI().Paths[path].Get
	a.routes = append(a.routes, exchange.Route{Pattern: path, Checks: checks, Get: func(x *exchange.Exchange) error {
		query, err := a.validateQuery(op, x.Request.URL.RawQuery)
		if err != nil {
			return err
		}
		in := new(I)
		bind(in, x.Request, query)
		return serve(x, in)
	}})
}
