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
	"strings"
	"time"

	apiv1 "lsapi/api/v1"
)

// EventsQuery says which events to be told, and from where on.
type EventsQuery struct {
	// LoadBalancers are the names of those to be told of; none is all.
	LoadBalancers []string
	// After is the ID of the event behind which to begin. Empty is now.
	After string
	// Lost is told each time that the stream has broken and is opened anew, and
	// why. Nil is nobody.
	Lost func(error)
}

// Event is an event and its place in the record.
type Event struct {
	// ID is its place: given as After, what comes behind it is told.
	ID string
	apiv1.Event
}

// Events tells events as they are recorded, until ctx ends or the caller does. A
// stream that breaks is opened anew behind the last event, so that none is lost or
// told twice.
//
// It ends with an error: that of the context; what the service answers, such as
// CodeNotFound for a load balancer that there is not, or an event that is not on
// record any more; an event that cannot be read; or ErrUnreachable, when it could not be reached at once, or has
// then been away for a minute.
func (c *Client) Events(ctx context.Context, q EventsQuery) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s := &stream{client: c, query: q, last: q.After, yield: yield}
		if err := s.run(ctx); err != nil {
			yield(Event{}, err)
		}
	}
}

// stream is a stream of events over all its connections.
type stream struct {
	client *Client
	query  EventsQuery
	last   string // the id of the last event, or of the begin
	yield  func(Event, error) bool

	alive    time.Time // when something last came; zero before anything did
	failures int       // since then
}

// errEnough is that the caller wants no more.
var errEnough = errors.New("no more events are wanted")

// run follows the stream until it ends for good; nil when the caller has ended it.
func (s *stream) run(ctx context.Context) error {
	for {
		err := s.connect(ctx)
		switch {
		case errors.Is(err, errEnough):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !passing(err), time.Since(s.alive) > s.client.outage: // at once, when nothing has ever come
			return err
		}
		if s.query.Lost != nil && s.failures == 0 {
			s.query.Lost(err)
		}
		s.failures++
		if stopped := s.client.pauseFor(ctx, s.failures, advice(err)); stopped != nil {
			return stopped
		}
	}
}

// connect opens the stream and follows it until it breaks.
func (s *stream) connect(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(s.client.silence, func() { cancel(errSilent) })
	defer silent.Stop()
	header := http.Header{"Accept": {"text/event-stream"}, "Cache-Control": {"no-store"}}
	if s.last != "" {
		header.Set("Last-Event-ID", s.last)
	}
	query := make(url.Values)
	for _, name := range s.query.LoadBalancers {
		query.Add("loadBalancer", name)
	}
	response, err := s.client.send(ctx, call{method: http.MethodGet, path: []string{"v1", "events"}, query: query, header: header})
	if err != nil {
		return s.broken(ctx, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
		if err != nil {
			return s.broken(ctx, err)
		}
		return newError(response, text)
	}
	if kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || kind != "text/event-stream" {
		return s.client.stranger("%s and no events", response.Status)
	}
	return s.broken(ctx, s.follow(response.Body, silent))
}

// errSilent is that a connection has gone without anybody being told.
var errSilent = errors.New("nothing comes any more")

// errSenseless is that an event cannot be read, now or when it is told again: going on
// behind it would lose it.
var errSenseless = errors.New("the stream of events makes no sense")

// broken is the error of a connection that has ended. Silence is not the caller's
// giving up, although it ends the connection in the same way.
func (s *stream) broken(ctx context.Context, err error) error {
	if errors.Is(err, errEnough) || errors.Is(err, errSenseless) {
		return err
	}
	if errors.Is(context.Cause(ctx), errSilent) {
		return fmt.Errorf("%w at %s: %w", ErrUnreachable, s.client.base, errSilent)
	}
	if errors.Is(err, ErrUnreachable) || ctx.Err() != nil {
		return err
	}
	return s.client.unreachable(ctx, err)
}

// follow tells the events of a body. The timer, which ends the stream, runs while it
// waits for a line, and not while the caller does something with an event. What it
// reads has the form of the HTML standard's event streams.
func (s *stream) follow(body io.Reader, silent *time.Timer) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxLine)
	var m message
	for ; lines.Scan(); silent.Reset(s.client.silence) {
		silent.Stop()
		s.alive, s.failures = time.Now(), 0
		line := lines.Text()
		if line != "" {
			m.add(line)
			continue
		}
		if err := s.dispatch(m); err != nil {
			return err
		}
		s.alive = time.Now() // the caller may have taken its time
		m = message{}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("%w: a line of more than %d bytes", errSenseless, maxLine)
	} else if err != nil {
		return err
	}
	return io.ErrUnexpectedEOF // a stream has no end
}

// message is what a stream says between two empty lines.
type message struct {
	id      string
	hasID   bool
	data    []string
	dropped bool
}

// add takes a line in. A comment, which keeps the connection alive, has no name.
func (m *message) add(line string) {
	name, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	switch name {
	case "id":
		if !strings.ContainsRune(value, 0) {
			m.id, m.hasID = value, true
		}
	case "data":
		m.data = append(m.data, value)
	case "event":
		m.dropped = value == apiv1.EventDropped
	}
}

// dispatch tells of a message. That the stream was dropped is not told: it is
// opened anew behind what was told last.
func (s *stream) dispatch(m message) error {
	if m.dropped {
		return nil
	}
	var event Event
	if len(m.data) > 0 {
		if err := json.Unmarshal([]byte(strings.Join(m.data, "\n")), &event.Event); err != nil {
			return fmt.Errorf("%w: %w", errSenseless, err)
		}
	}
	if m.hasID {
		s.last = m.id
	}
	if len(m.data) == 0 {
		return nil
	}
	event.ID = s.last
	if !s.yield(event, nil) {
		return errEnough
	}
	return nil
}
