package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/tmaxmax/go-sse"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// EventsQuery selects events.
type EventsQuery struct {
	// Pools, Members and Instances, which are ids, select events of any of each, and Kind
	// those of pools of a kind. None selects all.
	Kind      lsapi.Kind
	Pools     []lsapi.PoolID
	Members   []lsapi.MemberID
	Instances []string
	// After is the ID of the event after which to start. Empty starts now.
	After string
	// OnReconnect, if set, is called with the reason when the stream breaks, before it is
	// opened again.
	OnReconnect func(error)
}

func (q *EventsQuery) values() url.Values {
	v := make(url.Values)
	set(v, "kind", string(q.Kind))
	for _, pool := range q.Pools {
		v.Add("pool", pool.Path())
	}
	for _, member := range q.Members {
		v.Add("member", member.String())
	}
	for _, instance := range q.Instances {
		v.Add("instance", instance)
	}
	return v
}

// Event is an event and its position in the record.
type Event struct {
	// ID is the position: as EventsQuery.After it continues after this event.
	ID string
	apiv1.Event
}

// Events yields events as they are recorded, until ctx ends or the caller stops. A
// stream that breaks is opened again after the last event: no event is lost or repeated.
//
// The last pair may be an error: ctx's; an *Error such as CodeNotFound for a pool
// that does not exist, or CodeGone when the next event is no longer on record;
// a malformed event; or ErrUnreachable, when the first connection fails or an outage
// lasts for a minute.
func (c *Client) Events(ctx context.Context, q EventsQuery) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s := &stream{client: c, query: q, last: q.After, yield: yield}
		if err := s.run(ctx); err != nil {
			yield(Event{}, err)
		}
	}
}

// stream is one call of Events, over all its connections.
type stream struct {
	client *Client
	query  EventsQuery
	last   string // id of the last event, or of the start
	yield  func(Event, error) bool
	opened bool // the service has sent something
	outage outage
}

var (
	errStopped   = errors.New("the caller stopped")
	errSilent    = errors.New("no data, not even a keep-alive")
	errMalformed = errors.New("the event stream is malformed") // a retry after it would lose an event
)

// run follows the stream until it ends; nil when the caller stopped it.
func (s *stream) run(ctx context.Context) error {
	for {
		err := s.connect(ctx)
		switch {
		case errors.Is(err, errStopped):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !s.opened:
			return err
		}
		if s.query.OnReconnect != nil && s.outage.failures == 0 && isTemporary(err) {
			s.query.OnReconnect(err)
		}
		if err := s.client.retry(ctx, &s.outage, err); err != nil {
			return err
		}
	}
}

// connect opens the stream and follows it until it breaks.
func (s *stream) connect(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(s.client.limits.silence, func() { cancel(errSilent) })
	defer silence.Stop()
	header := http.Header{"Accept": {"text/event-stream"}, "Cache-Control": {"no-store"}}
	if s.last != "" {
		header.Set("Last-Event-ID", s.last)
	}
	response, err := s.client.send(ctx, request{method: http.MethodGet, path: []string{"v1", "events"}, query: s.query.values(), header: header})
	if err != nil {
		return s.disconnected(ctx, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, err := io.ReadAll(io.LimitReader(response.Body, maxResponse))
		if err != nil {
			return s.disconnected(ctx, err)
		}
		return newError(response, text)
	}
	if kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || kind != "text/event-stream" {
		return s.client.notLsapi("%s without an event stream", response.Status)
	}
	return s.disconnected(ctx, s.follow(&timedReader{from: response.Body, timer: silence, limit: s.client.limits.silence, received: s.received}))
}

// disconnected returns the error of a connection that has ended.
func (s *stream) disconnected(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, errStopped), errors.Is(err, errMalformed):
		return err
	case errors.Is(context.Cause(ctx), errSilent):
		return fmt.Errorf("%w at %s: %w", ErrUnreachable, s.client.base, errSilent)
	case errors.Is(err, ErrUnreachable), ctx.Err() != nil:
		return err
	}
	return s.client.unreachable(ctx, err)
}

// received notes that the service has sent something.
func (s *stream) received() { s.opened, s.outage = true, outage{} }

// follow yields the events of a connection.
func (s *stream) follow(body *timedReader) error {
	for m, err := range sse.Read(body, &sse.ReadConfig{MaxEventSize: maxEvent}) {
		switch {
		case errors.Is(err, bufio.ErrTooLong):
			return fmt.Errorf("%w: an event of more than %d bytes", errMalformed, maxEvent)
		case err != nil:
			return err
		case m.Type == apiv1.EventDropped:
			return io.ErrUnexpectedEOF // its id is not that of a yielded event
		}
		if err := s.dispatch(m); err != nil {
			return err
		}
	}
	return io.ErrUnexpectedEOF
}

// dispatch yields an event. A message without data moves the position only.
func (s *stream) dispatch(m sse.Event) error {
	var event Event
	if m.Data != "" {
		if err := json.Unmarshal([]byte(m.Data), &event.Event); err != nil {
			return fmt.Errorf("%w: %w", errMalformed, err)
		}
	}
	if m.LastEventID != "" {
		s.last = m.LastEventID
	}
	if event.ID = s.last; m.Data != "" && !s.yield(event, nil) {
		return errStopped
	}
	return nil
}

// timedReader runs a timer during each read. Between reads, while the caller handles an
// event, the timer stands still.
type timedReader struct {
	from     io.Reader
	timer    *time.Timer
	limit    time.Duration
	received func()
}

func (r *timedReader) Read(p []byte) (int, error) {
	r.timer.Reset(r.limit)
	defer r.timer.Stop()
	n, err := r.from.Read(p)
	if n > 0 {
		r.received()
	}
	return n, err
}
