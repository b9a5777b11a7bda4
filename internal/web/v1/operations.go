package v1

import (
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/semaphore"

	apiv1 "lsapi/api/v1"
	"lsapi/internal/web/exchange"
)

// New returns an API.
func New(o Options) *API {
	o.Record = boundedRecord{record: o.Record, reads: semaphore.NewWeighted(int64(o.Reads))}
	a := &API{
		Options: o, held: semaphore.NewWeighted(maxHeld), bodies: semaphore.NewWeighted(maxLargeBodies), changing: semaphore.NewWeighted(maxChanging),
		huma: huma.NewAPI(config(o.Version), documentOnly{}),
	}
	a.huma.OpenAPI().Components.Responses = describeFailures(a.schemas())
	register(a, http.MethodGet, "listChanges", "/v1/changes", a.changes)
	register(a, http.MethodGet, "getChange", "/v1/changes/{id}", a.getChange)
	if o.Events != nil {
		register(a, http.MethodGet, "watchEvents", "/v1/events", a.events)
	}
	if o.Fleet != nil {
		a.instances, a.members = newInstanceAnswers(o.Fleet), newMembersAnswers()
		const member = "/v1/pools/{kind}/{name}/members/{member}"
		register(a, http.MethodGet, "listPools", "/v1/pools", a.listPools)
		register(a, http.MethodGet, "getPool", "/v1/pools/{kind}/{name}", a.getPool, checkPool)
		register(a, http.MethodGet, "getGuard", "/v1/pools/{kind}/{name}/guard", a.getGuard, checkPool)
		register(a, http.MethodGet, "listMembers", "/v1/pools/{kind}/{name}/members", a.listMembers, checkPool)
		registerWrite(a, http.MethodPut, "setMembers", "/v1/pools/{kind}/{name}/members", a.putMembers)
		registerWrite(a, http.MethodPatch, "changeMembers", "/v1/pools/{kind}/{name}/members", a.patchMembers)
		register(a, http.MethodGet, "getMember", member, a.getMember, checkPool, checkMember)
		registerWrite(a, http.MethodPut, "attachMember", member, a.attach)
		registerWrite(a, http.MethodDelete, "detachMember", member, a.detach)
		registerWrite(a, http.MethodPost, "undoChange", "/v1/changes/{id}/undo", a.undo)
		register(a, http.MethodGet, "getInstance", "/v1/instances/{instance}", a.getInstance, checkInstance)
	}
	tidyParameters(a.huma.OpenAPI())
	return a
}

// Routes returns the routes of the API.
func (a *API) Routes() []exchange.Route { return a.routes }

// register adds an operation that reads, whose parameters are the fields of I. The checks are
// those of the path: the first operation of a path has them.
func register[I any](a *API, method, id, path string, serve func(*exchange.Exchange, *I) error, checks ...exchange.Endpoint) {
	registerWrite(a, method, id, path, func(x *exchange.Exchange, in *I, wrong []apiv1.Detail) error {
		if len(wrong) > 0 {
			return invalid(wrong...)
		}
		return serve(x, in)
	}, checks...)
}

// registerWrite adds an operation that also gets what is wrong with its query, to answer it
// together with other mistakes.
func registerWrite[I any](a *API, method, id, path string, serve func(*exchange.Exchange, *I, []apiv1.Detail) error, checks ...exchange.Endpoint) {
	op := describe(a.schemas(), method, id, path)
	huma.Register[I, huma.StreamResponse](a.huma, op, nil) // serves nothing
	described := operationsOf(a.huma.OpenAPI().Paths[path])[method]
	parameters := parametersOf(reflect.TypeFor[I]())
	a.route(path, checks).Set(method, func(x *exchange.Exchange) error {
		query, wrong := a.validateQuery(described, x.Request.URL.RawQuery)
		in := new(I)
		bind(in, parameters, x.Request, query)
		return serve(x, in, wrong)
	})
}

// route returns the route of a path, which it adds if there is none.
func (a *API) route(path string, checks []exchange.Endpoint) *exchange.Route {
	i := slices.IndexFunc(a.routes, func(r exchange.Route) bool { return r.Pattern == path })
	if i < 0 {
		i, a.routes = len(a.routes), append(a.routes, exchange.Route{Pattern: path, Checks: checks})
	}
	return &a.routes[i]
}
