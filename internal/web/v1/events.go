package v1

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/internal/events"
)

// typeEvents is the content type of a stream of server-sent events.
const typeEvents = "text/event-stream"

// EncodeEvent returns what a stream tells of an event of the record, as server-sent
// events without their ids.
func EncodeEvent(e *lsapi.RecordedEvent) [][]byte {
	told := tell(e)
	encoded := make([][]byte, len(told))
	for i := range told {
		encoded[i] = encodeEvent(&told[i])
	}
	return encoded
}

func encodeEvent(e *apiv1.Event) []byte {
	data, _ := json.Marshal(e) // strings, numbers and times can always be encoded
	return []byte("event: " + e.Type + "\ndata: " + string(data) + "\n")
}

// tell returns what an event is told by: each change that was applied, each
// instance whose health is another, and nothing of changes that came to nothing.
func tell(e *lsapi.RecordedEvent) (told []apiv1.Event) {
	about := func(kind, instanceID string) apiv1.Event {
		return apiv1.Event{Type: kind, At: instant(e.Event.At), LoadBalancer: e.LoadBalancer, InstanceID: instanceID}
	}
	switch e.Event.Kind {
	case lsapi.EventCompleted, lsapi.EventResolved:
		if c := &e.Event.Change; c.Outcome == lsapi.OutcomeApplied {
			change := newChange(c)
			event := about(apiv1.EventAttached, c.InstanceID)
			if c.Action == lsapi.Detach {
				event.Type = apiv1.EventDetached
			}
			event.Change = &change
			told = append(told, event)
		}
	case lsapi.EventObserved:
		for i := range e.External {
			change := newChange(&e.External[i])
			event := about(apiv1.EventDrift, change.InstanceID)
			event.Change = &change
			told = append(told, event)
		}
	case lsapi.EventHealth:
		for _, h := range e.Event.Health {
			event := about(apiv1.EventHealth, h.InstanceID)
			event.Health = &apiv1.Health{State: string(h.State), Reason: h.Reason, Description: h.Description}
			event.Draining = h.Draining
			told = append(told, event)
		}
		for _, id := range e.Event.Drained {
			told = append(told, about(apiv1.EventDrained, id))
		}
	case lsapi.EventIntended, lsapi.EventCheckpoint:
	}
	return told
}

// eventsQuery is what GET /v1/events takes. Empty is not given.
type eventsQuery struct {
	LoadBalancers []string `query:"loadBalancer,explode" maxItems:"100" nullable:"false" doc:"Only what happens in this load balancer; may be given several times" example:"[\"default-elb\"]"`
	LastEventID   string   `header:"Last-Event-ID" doc:"The id of the last event that was received: the stream goes on behind it. Browsers send it by themselves"`
	AfterID       string   `query:"lastEventId" doc:"The same, for those that cannot set a header, as polyfills of EventSource. The header counts when both are there: a browser repeats the query when it connects again"`
}

func (a *API) events(w http.ResponseWriter, r *http.Request, q *eventsQuery) error {
	var after *events.Cursor
	if id := cmp.Or(q.LastEventID, q.AfterID); id != "" {
		place, err := events.ParseCursor(id)
		if err != nil {
			return err
		}
		after = &place
	}
	guest, err := a.Admit(w)
	if err != nil {
		return err
	}
	sent := false
	defer func() {
		if !sent {
			guest.Leave()
		}
	}()
	stream, err := a.openStream(r, q.LoadBalancers, after)
	if err != nil {
		return err
	}
	defer func() {
		if !sent {
			stream.Close()
		}
	}()
	first, err := a.firstOf(r, stream)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", typeEvents)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events to itself
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	err = serveEvents(w, first, stream, guest)
	sent = err == nil
	return err
}

func (a *API) openStream(r *http.Request, loadBalancers []string, after *events.Cursor) (*events.Stream, error) {
	ctx, cancel := a.deadline(r)
	defer cancel()
	for _, name := range loadBalancers {
		if !lsapi.ValidLoadBalancerName(name) {
			return nil, invalid(apiv1.Detail{Location: "query.loadBalancer", Message: "expected the name of a load balancer: 1 to 32 letters, digits and hyphens, no hyphen at either end"})
		}
		if after != nil {
			continue // the record may tell of one that was deleted since
		}
		if err := a.Exists(ctx, name); err != nil {
			return nil, err
		}
	}
	return a.Events.Open(ctx, loadBalancers, after)
}

// firstOf reads what a stream that resumes has at once, so that an error of the
// record is still answered by its status.
func (a *API) firstOf(r *http.Request, stream *events.Stream) ([][]byte, error) {
	ctx, cancel := a.deadline(r)
	defer cancel()
	frames, err := stream.Next(ctx, 0)
	switch {
	case lsapi.ErrorCode(err) == lsapi.CodeNotFound:
		return nil, &lsapi.Error{Code: lsapi.CodeGone, Message: "Last-Event-ID: what came after it has been removed from the record; start without it", Err: err}
	case errors.Is(err, events.ErrClosed):
		return nil, &lsapi.Error{Code: lsapi.CodeUnavailable, Message: "the service is stopping", Err: err}
	case errors.Is(err, events.ErrTooSlow):
		return nil, nil // it will say so
	}
	return frames, err
}

func describeEvents(schemas huma.Registry) huma.Operation {
	example := apiv1.Event{Type: apiv1.EventAttached, At: instant(exampleChange.CompletedAt), LoadBalancer: exampleChange.LoadBalancer, InstanceID: exampleChange.InstanceID}
	ok := answer("A stream of server-sent events that does not end by itself. The data of each is an Event, its event field says of which type, its id is its place in the record. An id alone comes every 15 seconds when there is nothing else",
		map[string]*huma.MediaType{typeEvents: {Schema: schemaOf[apiv1.Event](schemas), Example: example}})
	op := operation("watchEvents", EventsPath, "Watch what happens",
		"The answer does not end: a page such as Try it out shows nothing of it; curl -N and EventSource do. Who was attached and detached, whose health changed, who was drained, and what changed past lsapi, as it is recorded. While somebody watches, health is polled now and then. A client that reads too slowly gets the event dropped, and its stream ends.", ok, "404", "410")
	return op
}

// Exists returns CodeNotFound for a load balancer that there is not.
type Exists func(ctx context.Context, loadBalancer string) error
