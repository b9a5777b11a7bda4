// Package v1 is the reading side of the /v1 API: load balancers and their members,
// what the record of changes holds, and the OpenAPI document of it all. The
// operations are huma's, which makes the document of the same types that parameters
// are parsed into and answers are encoded from. Whatever is not about what is read
// stays with the server in front: credentials, methods, the log, and how an error
// is answered.
package v1

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"golang.org/x/sync/semaphore"

	"lsapi"
	"lsapi/internal/events"
)

// The paths, as patterns of http.ServeMux. The document has the same.
const (
	ChangesPath       = "/v1/changes"
	EventsPath        = "/v1/events"
	ChangePath        = "/v1/changes/{id}"
	LoadBalancersPath = "/v1/load-balancers"
	LoadBalancerPath  = LoadBalancersPath + "/{" + NameParameter + "}"
	MembersPath       = LoadBalancerPath + "/members"
	MemberPath        = MembersPath + "/{" + InstanceParameter + "}"
	// NameParameter is what the paths call the load balancer's name, and
	// InstanceParameter what MemberPath calls the instance's id.
	NameParameter     = "name"
	InstanceParameter = "instanceId"
)

// Record is the record of changes. Errors are *lsapi.Error; an error of another
// kind is a defect, unless it is the context's. CodeUnavailable: the record
// cannot be read for now.
type Record interface {
	// Change returns the change with the id; CodeNotFound when there is none.
	Change(ctx context.Context, id string) (lsapi.Change, error)
	// Changes returns the changes that the filter lets through, newest first, and
	// as many as its limit says unless there are no more.
	Changes(ctx context.Context, f lsapi.ChangeFilter) ([]lsapi.Change, error)
	// MembersAt returns the membership of a load balancer at a time that is not in
	// the future, now for the zero time; CodeNotFound when the record does not reach
	// back to it.
	MembersAt(ctx context.Context, loadBalancer string, at time.Time) (lsapi.MembershipAt, error)
}

// Options are what an API is made of. All but Fleet and
// Events must be given.
type Options struct {
	// Version is that of the service, for the document.
	Version string
	Record  Record
	// Fleet answers what is about load balancers and their members. Default: only
	// the record is read.
	Fleet Fleet
	// Events are what is told to who watches, and Exists tells whether there is a load
	// balancer to watch. Default: nobody can.
	Events *events.Hub
	Exists Exists
	// Reads is how many questions Record is asked at once, at most.
	Reads int
	// Timeout bounds each question to Record, of which a stream asks many, and each
	// to Fleet.
	Timeout time.Duration
	// Stopping ends when the service is about to stop: those who wait for Fleet are
	// sent away then.
	Stopping context.Context //nolint:containedctx // it is not a request's
	// Admit counts a request that lasts. CodeThrottled: there are too many.
	Admit func(w http.ResponseWriter) (Guest, error)
	// Fail answers with an error, which NewProblem makes a Problem of.
	Fail func(w http.ResponseWriter, err error)
	// Abort cuts off an answer that has begun and cannot be finished, and tells
	// the log why. It does not return.
	Abort func(w http.ResponseWriter, err error)
}

// API answers GET and HEAD at its paths, for callers whose credentials have been
// looked at. The names and ids in the paths must be valid ones, but for that of a
// change.
type API struct {
	Options
	held *semaphore.Weighted // the changes in memory
	mux  *http.ServeMux
	huma huma.API
}

// New returns an API.
func New(o Options) *API {
	o.Record = bounded{record: o.Record, turns: semaphore.NewWeighted(int64(o.Reads))}
	a := &API{Options: o, held: semaphore.NewWeighted(maxHeld), mux: http.NewServeMux()}
	a.huma = humago.New(a.mux, config(o.Version))
	a.huma.OpenAPI().Components.Responses = problems(a.schemas())
	a.huma.UseMiddleware(a.checkQuery)
	register(a, describeChanges(a.schemas()), a.changes)
	register(a, describeChange(a.schemas()), a.change)
	register(a, describeMembers(a.schemas()), a.members)
	if o.Events != nil {
		register(a, describeEvents(a.schemas()), a.events)
	}
	if o.Fleet != nil {
		register(a, describeLoadBalancers(a.schemas()), a.loadBalancers)
		register(a, describeLoadBalancer(a.schemas()), a.loadBalancer)
		register(a, describeMember(a.schemas()), a.member)
	}
	tidyParameters(a.huma.OpenAPI())
	return a
}

// tidyParameters gives the parameters the examples of their schemas, with which pages
// fill them in, and takes a key out of the schemas that OpenAPI does not have. The
// messages of huma's validation, which that is for, are made already.
func tidyParameters(document *huma.OpenAPI) {
	for _, path := range document.Paths {
		for _, parameter := range path.Get.Parameters {
			schema := parameter.Schema
			schema.PatternDescription = ""
			if len(schema.Examples) > 0 {
				parameter.Example, schema.Examples = schema.Examples[0], nil
			}
		}
	}
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

func (a *API) schemas() huma.Registry { return a.huma.OpenAPI().Components.Schemas }

// register adds an operation whose parameters are the fields of I. It writes its
// own answer, so that errors go the one way that they go everywhere else, and
// not through huma's model of them.
func register[I any](a *API, op huma.Operation, serve func(http.ResponseWriter, *http.Request, *I) error) {
	huma.Register(a.huma, op, func(_ context.Context, in *I) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(c huma.Context) {
			r, w := humago.Unwrap(c)
			if err := serve(w, r, in); err != nil {
				a.Fail(w, err)
			}
		}}, nil
	})
}

// deadline returns the context of one question: it ends when the client leaves or
// the time is up.
func (a *API) deadline(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), a.Timeout)
}
