// Package v1 is the reading side of the /v1 API: load balancers and their members, the
// record of changes, and the OpenAPI document of both. huma derives the document from the
// types that requests are parsed into and responses are encoded from.
package v1

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/semaphore"

	"lsapi"
	"lsapi/internal/events"
	"lsapi/internal/web/exchange"
)

// The paths, as patterns of http.ServeMux. The document has the same.
const (
	changesPath       = "/v1/changes"
	eventsPath        = "/v1/events"
	changePath        = "/v1/changes/{id}"
	loadBalancersPath = "/v1/load-balancers"
	loadBalancerPath  = loadBalancersPath + "/{" + nameParameter + "}"
	membersPath       = loadBalancerPath + "/members"
	memberPath        = membersPath + "/{" + instanceParameter + "}"

	nameParameter     = "name"       // of a load balancer
	instanceParameter = "instanceId" // the id of an instance
)

// Record is the record of changes. Errors are *lsapi.Error; other errors are defects,
// unless they are the context's. CodeUnavailable: the record cannot be read now.
type Record interface {
	// Change returns the change with the id, or CodeNotFound.
	Change(ctx context.Context, id string) (lsapi.Change, error)
	// Changes returns the changes that pass the filter, newest first, and fewer than its
	// limit only if there are no more.
	Changes(ctx context.Context, f lsapi.ChangeFilter) ([]lsapi.Change, error)
	// MembersAt returns the membership of a load balancer at a time that is not in the
	// future, now for the zero time. CodeNotFound: the record begins later.
	MembersAt(ctx context.Context, loadBalancer string, at time.Time) (lsapi.MembershipAt, error)
}

// Exists returns CodeNotFound for a load balancer that does not exist.
type Exists func(ctx context.Context, loadBalancer string) error

// Options configure an API. All but Fleet and Events must be given.
type Options struct {
	// Version is that of the service, for the document.
	Version string
	Record  Record
	// Fleet shows load balancers. Nil: only the record is served.
	Fleet Fleet
	// Events are streamed, of load balancers that Exists accepts. Nil: no streams.
	Events *events.Hub
	Exists Exists
	// Reads bounds the concurrent reads of Record.
	Reads int
	// Long bounds the requests that wait or stream.
	Long *exchange.LongRequests
}

// API is the API.
type API struct {
	Options
	held   *semaphore.Weighted // the changes in memory
	huma   huma.API
	routes []exchange.Route
}

// New returns an API.
func New(o Options) *API {
	o.Record = boundedRecord{record: o.Record, reads: semaphore.NewWeighted(int64(o.Reads))}
	a := &API{Options: o, held: semaphore.NewWeighted(maxHeld), huma: huma.NewAPI(config(o.Version), documentOnly{})}
	a.huma.OpenAPI().Components.Responses = describeFailures(a.schemas())
	name := exchange.CheckLoadBalancer(nameParameter)
	register(a, "listChanges", changesPath, a.changes)
	register(a, "getChange", changePath, a.change)
	register(a, "listMembersAt", membersPath, a.members, name)
	if o.Events != nil {
		register(a, "watchEvents", eventsPath, a.events)
	}
	if o.Fleet != nil {
		register(a, "listLoadBalancers", loadBalancersPath, a.loadBalancers)
		register(a, "getLoadBalancer", loadBalancerPath, a.loadBalancer, name)
		register(a, "getMember", memberPath, a.member, name, checkInstance)
	}
	tidyParameters(a.huma.OpenAPI())
	return a
}

// Routes returns the routes of the API.
func (a *API) Routes() []exchange.Route { return a.routes }

func (a *API) schemas() huma.Registry { return a.huma.OpenAPI().Components.Schemas }

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

// checkInstance saves AWS calls for impossible ids.
func checkInstance(x *exchange.Exchange) error {
	if !lsapi.ValidInstanceID(x.Request.PathValue(instanceParameter)) {
		return lsapi.Errorf(lsapi.CodeNotFound,
			"there is no such instance; an id is i- and 8 or 17 lower-case hexadecimal digits")
	}
	return nil
}

// send answers with a value. Caches must not keep it, because it may change at once.
func send(x *exchange.Exchange, value any) error {
	x.Header().Set("Cache-Control", "no-store")
	return x.SendJSON(http.StatusOK, value)
}
