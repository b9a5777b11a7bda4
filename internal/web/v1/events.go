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
	LoadBalancers []string `query:"loadBalancer,explode" maxItems:"100" nullable:"false" doc:"Only what happens in this load balancer; may be given several times" example:"[\"default-elb\"]"`
	LastEventID   string   `header:"Last-Event-ID" doc:"The id of the last event that was received: the stream goes on behind it. Browsers send it by themselves"`
	AfterID       string   `query:"lastEventId" doc:"The same, for those that cannot set a header, as polyfills of EventSource. The header counts when both are there: a browser repeats the query when it connects again"`
}

func (a *API) events(x *exchange.Exchange, q *eventsQuery) error {
	after, err := q.after()
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
	stream, err := a.openStream(x, q.LoadBalancers, after)
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

func (a *API) openStream(x *exchange.Exchange, loadBalancers []string, after *events.Cursor) (stream *events.Stream, err error) {
	ctx, cancel := x.Deadline()
	defer cancel()
	err = a.untilStop(ctx, func(ctx context.Context) (err error) {
		stream, err = a.open(ctx, loadBalancers, after)
		return err
	})
	return stream, err
}

func (a *API) open(ctx context.Context, loadBalancers []string, after *events.Cursor) (*events.Stream, error) {
	for _, name := range loadBalancers {
		if !lsapi.ValidLoadBalancerName(name) {
			return nil, invalid(apiv1.Detail{Location: "query.loadBalancer", Message: "expected the name of a load balancer: 1 to 32 letters, digits and hyphens, no hyphen at either end"})
		}
		if after != nil {
			continue // the record may have events of a deleted one
		}
		if err := a.Exists(ctx, name); err != nil {
			return nil, err
		}
	}
	return a.Events.Open(ctx, loadBalancers, after)
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
