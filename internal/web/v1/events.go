package v1

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/events"
	"lsapi/internal/web/exchange"
)

// eventsQuery is what GET /v1/events takes. Empty is not given.
type eventsQuery struct {
	Pools       []string `query:"pool,explode" maxItems:"100" nullable:"false" doc:"Only events of this pool; may be given several times" example:"[\"elb/default-elb\"]"`
	Kind        string   `query:"kind" enum:"elb,tg" doc:"Only events of Classic load balancers, or only of target groups"`
	Members     []string `query:"member,explode" maxItems:"100" nullable:"false" doc:"Only events of the member with this id in its pool, such as i-5203422c or i-5203422c:8080; may be given several times"`
	Instances   []string `query:"instance,explode" maxItems:"100" nullable:"false" doc:"Only events of this instance, whatever its port, such as i-5203422c; may be given several times"`
	LastEventID string   `header:"Last-Event-ID" doc:"The id of the last received event: the stream resumes after it. Browsers send it by themselves"`
	AfterID     string   `query:"lastEventId" doc:"The same, for clients that cannot set a header, such as polyfills of EventSource. If both are given the header counts: a browser repeats the query when it reconnects"`
}

func (a *API) events(x *exchange.Exchange, q *eventsQuery) error {
	after, err := q.after()
	if err != nil {
		return err
	}
	filter, err := q.filter()
	if err != nil {
		return err
	}
	started := false // then the stream owns what it needs
	unlessStarted := func(end func()) {
		if !started {
			end()
		}
	}
	session, err := a.LongRequests.Admit(x)
	if err != nil {
		return err
	}
	defer unlessStarted(session.Leave)
	stream, err := a.openStream(x, filter, after)
	if err != nil {
		return err
	}
	defer unlessStarted(stream.Close)
	first, err := firstEvents(x, stream)
	if err != nil {
		return err
	}
	h := x.Header()
	h.Set("Content-Type", exchange.TypeEvents)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	if x.Request.Method == http.MethodHead {
		x.WriteHeader(http.StatusOK)
		return nil
	}
	err = serveEvents(x, first, stream, session)
	started = err == nil
	return err
}

// after returns the cursor at which the stream resumes, or nil.
func (q *eventsQuery) after() (*events.Cursor, error) {
	id := cmp.Or(q.LastEventID, q.AfterID)
	if id == "" {
		return nil, nil
	}
	cursor, err := events.ParseCursor(id)
	return &cursor, err
}

// filter returns the query's filter.
func (q *eventsQuery) filter() (filter events.Filter, err error) {
	for _, text := range q.Pools {
		pool, ok := lsapi.ParsePoolPath(text)
		if !ok {
			return filter, invalid(apiv1.Detail{Location: "query.pool", Message: "expected a kind and a name, such as elb/default-elb or tg/web"})
		}
		filter.Pools = append(filter.Pools, pool)
	}
	for _, text := range q.Members {
		member, ok := lsapi.ParseMemberID(text)
		if !ok {
			return filter, invalid(apiv1.Detail{Location: "query.member", Message: "expected the id of a member, such as i-5203422c or i-5203422c:8080"})
		}
		filter.Members = append(filter.Members, member)
	}
	for _, id := range q.Instances {
		if !lsapi.ValidInstanceID(id) {
			return filter, invalid(apiv1.Detail{Location: "query.instance", Message: "expected i- and 8 or 17 lower-case hexadecimal digits"})
		}
	}
	filter.Kind, filter.Instances = lsapi.Kind(q.Kind), q.Instances
	return filter, nil
}

func (a *API) openStream(x *exchange.Exchange, filter events.Filter, after *events.Cursor) (stream *events.Stream, err error) {
	ctx, cancel := x.Deadline()
	defer cancel()
	err = a.untilStop(ctx, func(ctx context.Context) (err error) {
		stream, err = a.open(ctx, filter, after)
		return err
	})
	return stream, err
}

func (a *API) open(ctx context.Context, filter events.Filter, after *events.Cursor) (*events.Stream, error) {
	if after == nil { // else the record may have events of a deleted one
		for _, pool := range filter.Pools {
			if err := a.Exists(ctx, pool); err != nil {
				return nil, err
			}
		}
	}
	return a.Events.Open(ctx, filter, after)
}

// firstEvents reads the pending events of a stream that resumes, so that an error of the
// record still has its status.
func firstEvents(x *exchange.Exchange, stream *events.Stream) ([][]byte, error) {
	ctx, cancel := x.Deadline()
	defer cancel()
	frames, err := stream.Next(ctx, 0)
	switch {
	case lsapi.ErrorCode(err) == lsapi.CodeNotFound:
		return nil, &lsapi.Error{Code: lsapi.CodeGone, Message: "Last-Event-ID: what came after it has been removed from the record; start without it", Err: err}
	case errors.Is(err, events.ErrClosed):
		return nil, &lsapi.Error{Code: lsapi.CodeUnavailable, Message: "the service is stopping", Err: err}
	case errors.Is(err, events.ErrTooSlow):
		return nil, nil // the stream itself reports it
	}
	return frames, err
}
