// Package events streams the events of the record to any number of clients: members
// attached, detached and drained, health changes, and changes made outside of lsapi.
//
// One reader follows the record, encodes each event once, and keeps the latest in a ring.
// A stream is a cursor into that ring without a queue of its own, so that ten thousand
// streams cost little. A stream that falls behind the ring is dropped; the client can
// resume it from the record. A stream that resumes from before the ring reads the record
// until it has caught up.
package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"lsapi"
	"lsapi/internal/background"
	"lsapi/internal/coalesce"
)

// Record is the record of changes.
type Record interface {
	// Events returns at most limit events after a position, in order, and fewer only if
	// there are no more. CodeNotFound: some of them have been pruned.
	Events(ctx context.Context, after lsapi.Position, limit int) ([]lsapi.RecordedEvent, error)
	// End returns the position of the last readable event.
	End(ctx context.Context) (lsapi.Position, error)
	// News waits for an event after the position. CodeTimeout: the context ended first.
	News(ctx context.Context, after lsapi.Position) error
}

// Options configure a Hub.
type Options struct {
	Record Record
	// Encode returns the messages of an event. An event without messages is not sent.
	Encode func(*lsapi.RecordedEvent) []Message
	// Watch is called while a pool is watched, without a name all of its kind, or all of
	// them for the zero id, until its end is called. Touch is called every second while
	// there are streams. Default: none.
	Watch func(pool lsapi.PoolID) (end func())
	Touch func()
	// Log receives failures to read the record, and their end. Default: none.
	Log *slog.Logger
}

// Message is a server-sent event.
type Message struct {
	// Member is the subject of the event, for filters.
	Member lsapi.MemberID
	// Body is the event without its id and without the empty line at its end.
	Body []byte
}

// Hub sends the recorded events to its streams. It is safe for concurrent use.
type Hub struct {
	o Options

	mu      sync.RWMutex
	ring    ring
	grown   chan struct{} // closed and replaced when the ring grows
	streams int
	empty   chan struct{} // closed when the hub is closed and has no streams
	started bool
	closed  bool

	sent, dropped atomic.Int64
	pages         *coalesce.Group[lsapi.Position, []lsapi.RecordedEvent] // for streams that catch up

	group *background.Group
	done  <-chan struct{} // of group
}

// New returns a Hub. It does not read the record before the first stream is opened.
func New(o Options) *Hub {
	if o.Watch == nil {
		o.Watch = func(lsapi.PoolID) func() { return func() {} }
	}
	if o.Touch == nil {
		o.Touch = func() {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	group := background.New()
	reads := coalesce.Options{Calls: maxCatchingUp, Timeout: readTimeout}
	return &Hub{
		o: o, grown: make(chan struct{}), empty: make(chan struct{}),
		pages: coalesce.New(group, reads, func(ctx context.Context, after []lsapi.Position) (map[lsapi.Position][]lsapi.RecordedEvent, error) {
			page, err := o.Record.Events(ctx, after[0], maxBatch)
			return map[lsapi.Position][]lsapi.RecordedEvent{after[0]: page}, err
		}),
		group: group, done: group.Context().Done(),
	}
}

// Stats are a Hub's counters.
type Stats struct {
	Streams int   // open now
	Sent    int64 // messages, each counted once for all streams
	Dropped int64 // streams that were too slow
}

// Stats returns the current counters.
func (h *Hub) Stats() Stats {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return Stats{Streams: h.streams, Sent: h.sent.Load(), Dropped: h.dropped.Load()}
}

// Close ends all streams, refuses new ones, and waits until all are closed. It returns an
// error if ctx ends first.
func (h *Hub) Close(ctx context.Context) error {
	h.mu.Lock()
	if !h.closed && h.streams == 0 {
		close(h.empty)
	}
	h.closed = true
	h.mu.Unlock()
	err := h.group.Close(ctx)
	select {
	case <-h.empty:
		return err
	case <-ctx.Done():
		return errors.Join(err, fmt.Errorf("streams are still open: %w", ctx.Err()))
	}
}

// start starts to follow the record from its end, unless it has been started.
func (h *Hub) start(ctx context.Context) error {
	h.mu.RLock()
	started := h.started
	h.mu.RUnlock()
	if started {
		return nil
	}
	end, err := read(ctx, h, h.o.Record.End)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return errStopping()
	}
	if !h.started {
		h.started = true
		h.ring.reset(end)
		h.group.Go(h.follow)
		h.group.Go(h.touch)
	}
	return nil
}

func errStopping() error { return lsapi.Errorf(lsapi.CodeUnavailable, "the service is stopping") }

// follow reads the record until the hub is closed.
func (h *Hub) follow(ctx context.Context) {
	outage := background.NewOutage(h.group, h.o.Log,
		"the record cannot be read: event streams are paused", "the record can be read again: event streams continue")
	for ctx.Err() == nil {
		err := h.readNext(ctx)
		outage.Note(err)
		if err != nil {
			select {
			case <-time.After(retryPause):
			case <-ctx.Done():
			}
		}
	}
}

// touch calls Touch while there are streams.
func (h *Hub) touch(ctx context.Context) {
	background.Every(ctx, touchEvery, func() {
		if h.Stats().Streams > 0 {
			h.o.Touch()
		}
	})
}

// readNext adds the next events to the ring, or waits for them.
func (h *Hub) readNext(ctx context.Context) error {
	h.mu.RLock()
	tail := h.ring.tail
	h.mu.RUnlock()
	page, err := read(ctx, h, func(ctx context.Context) ([]lsapi.RecordedEvent, error) {
		return h.o.Record.Events(ctx, tail, pageSize)
	})
	if lsapi.ErrorCode(err) == lsapi.CodeNotFound {
		return h.skip(ctx)
	}
	if err != nil {
		return err
	}
	if len(page) > 0 {
		h.publish(tail, page)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, newsTimeout)
	defer cancel()
	if err := h.o.Record.News(ctx, tail); err != nil && lsapi.ErrorCode(err) != lsapi.CodeTimeout {
		return err
	}
	return nil
}

// read calls the record until the hub is closed, for readTimeout at most: a database whose
// network drops packets would block the call for a quarter of an hour. After the close, its
// error is CodeUnavailable.
func read[T any](ctx context.Context, h *Hub, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	defer context.AfterFunc(h.group.Context(), cancel)() //nolint:contextcheck // the close of the hub ends the call too
	result, err := call(ctx)
	if err != nil && h.group.Context().Err() != nil {
		err = errStopping()
	}
	return result, err
}

// skip continues at the end of a record that was pruned faster than it was read. All
// streams are behind that end, and get ErrTooSlow.
func (h *Hub) skip(ctx context.Context) error {
	end, err := read(ctx, h, h.o.Record.End)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !end.After(h.ring.tail) {
		return errEventsMissing
	}
	h.ring.reset(end)
	h.wake()
	return nil
}

var errEventsMissing = errors.New("events are missing from the record, and it ends before them")

// publish adds the events after a position to the ring.
func (h *Hub) publish(before lsapi.Position, page []lsapi.RecordedEvent) {
	var messages []message
	for i := range page {
		messages = append(messages, h.encode(before, &page[i])...)
		before = page[i].Position
	}
	h.sent.Add(int64(len(messages)))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ring.add(messages, before)
	if len(messages) > 0 {
		h.wake()
	}
}

// encode returns the messages of an event, which follows the position before.
func (h *Hub) encode(before lsapi.Position, e *lsapi.RecordedEvent) []message {
	encoded := h.o.Encode(e)
	messages := make([]message, len(encoded))
	for i, m := range encoded {
		cursor := Cursor{before, i + 1}
		if i == len(encoded)-1 {
			cursor = Cursor{after: e.Position}
		}
		messages[i] = message{e.Pool, m.Member, e.Position, cursor, fmt.Appendf(nil, "id: %v\n%s\n", cursor, m.Body)}
	}
	return messages
}

// wake wakes all streams. The caller holds mu.
func (h *Hub) wake() {
	close(h.grown)
	h.grown = make(chan struct{})
}
