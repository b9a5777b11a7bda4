package events

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"lsapi"
)

// The errors that end a stream.
var (
	// ErrTooSlow: the next message has left the ring.
	ErrTooSlow = errors.New("the stream was read too slowly")
	// ErrClosed: the service stops.
	ErrClosed = errors.New("the service is stopping")
)

// Stream is an open stream. It has one reader.
type Stream struct {
	hub     *Hub
	filter  Filter
	cursor  Cursor
	next    int64 // number in the ring; -1 while the stream reads the record
	unwatch func()
	closing sync.Once
}

// Filter selects events: those of any of the pools, of pools of the kind, of any of the
// members, and of any of the instances. What is empty matches all.
type Filter struct {
	Kind      lsapi.Kind
	Pools     []lsapi.PoolID
	Members   []lsapi.MemberID
	Instances []string
}

func (f *Filter) includes(m *message) bool {
	return (f.Kind == "" || f.Kind == m.pool.Kind) &&
		(len(f.Pools) == 0 || slices.Contains(f.Pools, m.pool)) &&
		(len(f.Members) == 0 || slices.Contains(f.Members, m.member)) &&
		(len(f.Instances) == 0 || slices.Contains(f.Instances, m.member.Instance))
}

// Open opens a stream of the events that a filter selects: after a cursor, or from now on
// for nil.
//
// CodeThrottled: too many streams are open. CodeUnavailable: the record cannot be read, or
// the service stops. CodeInvalid: the cursor is not one of this record.
func (h *Hub) Open(ctx context.Context, filter Filter, after *Cursor) (*Stream, error) {
	if err := h.admit(); err != nil {
		return nil, err
	}
	if err := h.start(ctx); err != nil {
		h.leave()
		return nil, err
	}
	s := &Stream{hub: h, filter: filter, next: -1, unwatch: h.watch(filter)}
	if after != nil {
		s.cursor = *after
		if err := s.validate(ctx); err != nil {
			s.Close()
			return nil, err
		}
		return s, nil
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	s.cursor, s.next = Cursor{after: h.ring.tail}, h.ring.end()
	return s, nil
}

// admit counts a stream.
func (h *Hub) admit() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return errStopping()
	}
	if h.streams >= MaxStreams {
		err := lsapi.Errorf(lsapi.CodeThrottled, "too many streams are open")
		err.RetryAfter = retryPause
		return err
	}
	h.streams++
	return nil
}

func (h *Hub) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.streams--
	if h.closed && h.streams == 0 {
		close(h.empty)
	}
}

// watch calls Watch for each pool of a filter.
func (h *Hub) watch(f Filter) (unwatch func()) {
	if len(f.Pools) == 0 {
		return h.o.Watch(lsapi.PoolID{Kind: f.Kind})
	}
	ends := make([]func(), len(f.Pools))
	for i, pool := range f.Pools {
		ends[i] = h.o.Watch(pool)
	}
	return func() {
		for _, end := range ends {
			end()
		}
	}
}

// validate rejects a cursor after the end of the record, or after more messages than its
// event has. It is the id of another record, and might never get an event.
func (s *Stream) validate(ctx context.Context) error {
	if s.join() {
		return nil
	}
	end, err := read(ctx, s.hub, s.hub.o.Record.End)
	switch {
	case err != nil:
		return err
	case s.cursor.after.After(end):
		return errBadCursor()
	case s.cursor.messages == 0:
		return nil
	}
	next, err := read(ctx, s.hub, func(ctx context.Context) ([]lsapi.RecordedEvent, error) {
		return s.hub.o.Record.Events(ctx, s.cursor.after, 1)
	})
	if err == nil && (len(next) == 0 || s.cursor.messages > len(s.hub.encode(s.cursor.after, &next[0]))) {
		err = errBadCursor()
	}
	return err
}

// Close ends the stream. It may be called again.
func (s *Stream) Close() {
	s.closing.Do(func() {
		s.unwatch()
		s.hub.leave()
	})
}

// Closed reports whether the hub is closed.
func (s *Stream) Closed() bool { return s.hub.group.Context().Err() != nil }

// OnClose calls f when the hub is closed, unless stop is called before.
func (s *Stream) OnClose(f func()) (stop func() bool) {
	return context.AfterFunc(s.hub.group.Context(), f)
}

// Cursor returns the stream's position: after the messages that Next has returned or
// filtered. It must not be called while Next runs.
func (s *Stream) Cursor() Cursor { return s.cursor }

// Next returns the next messages. It waits at most for the given time, and then returns
// none. An error ends the stream: ErrTooSlow, ErrClosed, the context's, or one of the
// record. CodeNotFound: the next event has been pruned.
func (s *Stream) Next(ctx context.Context, wait time.Duration) ([][]byte, error) {
	timeout := time.After(wait)
	for {
		if s.next < 0 {
			frames, err := s.catchUp(ctx)
			if err != nil || len(frames) > 0 {
				return frames, err
			}
			select {
			case <-timeout:
				return nil, nil
			default:
				continue
			}
		}
		frames, grown, err := s.take()
		if err != nil || len(frames) > 0 {
			return frames, err
		}
		select {
		case <-grown:
		case <-timeout:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.hub.done:
			return nil, ErrClosed
		}
	}
}

// take returns the stream's messages in the ring, and a channel that is closed when the
// ring grows.
func (s *Stream) take() (frames [][]byte, grown <-chan struct{}, err error) {
	h := s.hub
	h.mu.RLock()
	defer h.mu.RUnlock()
	if s.next < h.ring.first {
		h.dropped.Add(1)
		return nil, nil, ErrTooSlow
	}
	for ; s.next < h.ring.end() && len(frames) < maxBatch; s.next++ {
		m := &h.ring.messages[s.next-h.ring.first]
		if s.filter.includes(m) {
			frames, s.cursor = append(frames, m.frame), m.cursor
		}
	}
	if len(frames) == 0 && s.next == h.ring.end() {
		s.cursor = Cursor{after: h.ring.tail} // after the filtered messages too
	}
	return frames, h.grown, nil
}

// join moves the stream from the record to the ring, if the cursor is in the ring.
func (s *Stream) join() bool {
	s.hub.mu.RLock()
	defer s.hub.mu.RUnlock()
	next, ok := s.hub.ring.find(s.cursor)
	if ok {
		s.next = next
	}
	return ok
}

// catchUp returns messages from the record, for a stream that is behind the ring.
func (s *Stream) catchUp(ctx context.Context) ([][]byte, error) {
	pages, err := s.hub.pages.Do(ctx, s.cursor.after) // shared by the streams at this position
	page := pages[s.cursor.after]
	if s.Closed() {
		return nil, ErrClosed
	}
	if err != nil {
		return nil, err
	}
	var frames [][]byte
	skip := s.cursor.messages
	for i := range page {
		messages := s.hub.encode(s.cursor.after, &page[i])
		for _, m := range messages[min(skip, len(messages)):] {
			if s.filter.includes(&m) {
				frames = append(frames, m.frame)
			}
		}
		s.cursor, skip = Cursor{after: page[i].Position}, 0
	}
	if !s.join() && len(page) == 0 {
		s.hub.await(ctx, s.cursor.after) // the hub has not read that far
	}
	return frames, nil
}

// await waits up to lagPause for the ring to reach a position.
func (h *Hub) await(ctx context.Context, position lsapi.Position) {
	h.mu.RLock()
	grown, lags := h.grown, position.After(h.ring.tail)
	h.mu.RUnlock()
	if !lags {
		return
	}
	select {
	case <-grown:
	case <-time.After(lagPause):
	case <-ctx.Done():
	case <-h.done:
	}
}
