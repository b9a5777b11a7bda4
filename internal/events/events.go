// Package events tells many at once what the record tells: who was attached or
// detached, whose health changed, who was drained, what changed past lsapi.
//
// One reader follows the record, encodes each event once, and keeps the last of them
// in a ring. A stream is a place in that ring and nothing else: it has no queue of
// its own, so that ten thousand of them cost little, and one that is read too slowly
// is overtaken by the ring and dropped, whatever it has missed being in the record.
// A stream that resumes from further back than the ring reaches is read from the
// record until it has caught up.
package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"lsapi"
	"lsapi/internal/background"
)

// Record is the record of changes.
type Record interface {
	// Events returns the events behind a position, in order; at most limit, and fewer
	// only when there are no more. CodeNotFound: some of them have been pruned.
	Events(ctx context.Context, after lsapi.Position, limit int) ([]lsapi.RecordedEvent, error)
	// End returns the position behind the last event that can be read now.
	End(ctx context.Context) (lsapi.Position, error)
	// News waits until there is something behind the position. CodeTimeout: the
	// context has ended first.
	News(ctx context.Context, after lsapi.Position) error
}

// Options are what a Hub is made of.
type Options struct {
	Record Record
	// Encode returns the messages that an event is told by, each a server-sent event
	// without its id and without the empty line behind it. None: nobody is told.
	Encode func(*lsapi.RecordedEvent) [][]byte
	// Watch says that somebody watches a load balancer, or all for the empty name, until
	// end is called. Touch says the same of the region now and then.
	// Defaults: nobody wants to know.
	Watch func(loadBalancer string) (end func())
	Touch func()
	// Log gets a line when the record cannot be read, and when it can be again.
	// Default: none.
	Log *slog.Logger
}

// Hub tells its streams what is recorded. It is safe for concurrent use.
type Hub struct {
	o Options

	mu      sync.RWMutex
	ring    ring
	news    chan struct{} // closed and replaced when the ring has grown
	streams int
	emptied chan struct{} // closed when the hub is closed and the last stream too
	started bool
	closed  bool

	told, dropped atomic.Int64
	catching      *semaphore.Weighted

	work *background.Group
	base context.Context // of work
}

// New returns a Hub without streams. It reads nothing before the first is opened.
func New(o Options) *Hub {
	if o.Watch == nil {
		o.Watch = func(string) func() { return func() {} }
	}
	if o.Touch == nil {
		o.Touch = func() {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	work := background.New()
	return &Hub{
		o: o, news: make(chan struct{}), emptied: make(chan struct{}), catching: semaphore.NewWeighted(maxCatching),
		work: work, base: work.Context(),
	}
}

// Stats are the figures of a Hub.
type Stats struct {
	Streams int   // open now
	Told    int64 // events that have been told, however many streams there were
	Dropped int64 // streams that were too slow
}

// Stats returns the figures.
func (h *Hub) Stats() Stats {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return Stats{Streams: h.streams, Told: h.told.Load(), Dropped: h.dropped.Load()}
}

// Close ends all streams, refuses new ones, and waits until those that there are have
// been closed. Its error says that ctx ended before that.
func (h *Hub) Close(ctx context.Context) error {
	h.mu.Lock()
	if !h.closed && h.streams == 0 {
		close(h.emptied)
	}
	h.closed = true
	h.mu.Unlock()
	err := h.work.Close(ctx)
	select {
	case <-h.emptied:
		return err
	case <-ctx.Done():
		return errors.Join(err, fmt.Errorf("streams are still open: %w", ctx.Err()))
	}
}

// follow reads the record until the hub is closed.
func (h *Hub) follow(ctx context.Context) {
	failing := false
	for ctx.Err() == nil {
		err := h.step(ctx)
		if away := err != nil && ctx.Err() == nil; away != failing {
			failing = away
			if away {
				h.o.Log.Warn("the record cannot be read: who watches hears nothing until it can be", "error", err)
			} else {
				h.o.Log.Info("the record can be read again: who watches hears what it tells")
			}
		}
		if err != nil {
			h.pause()
		}
	}
}

// touch has the region read while there are streams.
func (h *Hub) touch(ctx context.Context) {
	ticker := time.NewTicker(touchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if h.Stats().Streams > 0 {
				h.o.Touch()
			}
		case <-ctx.Done():
			return
		}
	}
}

// step puts what comes next into the ring, waiting for it. Each question is bounded: a
// database whose network swallows packets leaves one unanswered for a quarter of an hour,
// although another one has taken its place.
func (h *Hub) step(ctx context.Context) error {
	tail := h.tail()
	page, err := bounded(ctx, func(ctx context.Context) ([]lsapi.RecordedEvent, error) {
		return h.o.Record.Events(ctx, tail, pageSize)
	})
	if lsapi.ErrorCode(err) == lsapi.CodeNotFound {
		return h.skip(ctx)
	}
	if err != nil {
		return err
	}
	if len(page) > 0 {
		h.publish(page)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, newsTimeout)
	defer cancel()
	if err := h.o.Record.News(ctx, tail); err != nil && lsapi.ErrorCode(err) != lsapi.CodeTimeout {
		return err
	}
	return nil
}

// bounded asks the record a question, for at most readTimeout.
func bounded[T any](ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return ask(ctx)
}

// skip goes on at the end of a record that was pruned faster than it was read. All
// streams are behind that, and will find it out.
func (h *Hub) skip(ctx context.Context) error {
	end, err := bounded(ctx, h.o.Record.End)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !end.After(h.ring.tail) {
		return errNotBehind
	}
	h.ring.restart(end)
	h.wake()
	return nil
}

// errNotBehind is of a record that says that events are missing, and ends where they
// would be.
var errNotBehind = errors.New("events are missing from the record, and it ends before them")

func (h *Hub) tail() lsapi.Position {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.ring.tail
}

// publish shows events to all streams.
func (h *Hub) publish(page []lsapi.RecordedEvent) {
	before := h.tail()
	var messages []message
	for i := range page {
		messages = append(messages, h.encode(before, &page[i])...)
		before = page[i].Position
	}
	h.told.Add(int64(len(messages)))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ring.add(messages, before)
	if len(messages) > 0 {
		h.wake()
	}
}

// wake wakes all streams. The caller holds mu.
func (h *Hub) wake() {
	close(h.news)
	h.news = make(chan struct{})
}

// pause waits a little, or until the hub is closed.
func (h *Hub) pause() {
	timer := time.NewTimer(retryPause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-h.base.Done():
	}
}
