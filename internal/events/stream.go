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
	// ErrTooSlow: what comes next has left the ring.
	ErrTooSlow = errors.New("the stream was read too slowly")
	// ErrClosed: the service stops.
	ErrClosed = errors.New("the service is stopping")
)

// Stream is an open stream. One goroutine reads it.
type Stream struct {
	hub           *Hub
	loadBalancers []string // empty: all
	place         Place
	next          int64 // of the ring; -1: it still reads the record
	unwatch       func()
	closing       sync.Once
}

// Open opens a stream of what happens in some load balancers, or in all for none:
// behind a place, or from now on for nil.
//
// Errors: CodeThrottled when there are too many, CodeUnavailable when the record
// cannot be read or the service stops.
func (h *Hub) Open(ctx context.Context, loadBalancers []string, after *Place) (*Stream, error) {
	if err := h.admit(); err != nil {
		return nil, err
	}
	if err := h.start(ctx); err != nil {
		h.leave()
		return nil, err
	}
	s := &Stream{hub: h, loadBalancers: loadBalancers, next: -1, unwatch: h.watch(loadBalancers)}
	if after != nil {
		s.place = *after
		if err := s.check(ctx); err != nil {
			s.Close()
			return nil, err
		}
		return s, nil
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	s.place, s.next = Place{after: h.ring.tail}, h.ring.end()
	return s, nil
}

// watch says that somebody watches these, until it is undone.
func (h *Hub) watch(loadBalancers []string) (undo func()) {
	if len(loadBalancers) == 0 {
		return h.o.Watch("")
	}
	ends := make([]func(), len(loadBalancers))
	for i, name := range loadBalancers {
		ends[i] = h.o.Watch(name)
	}
	return func() {
		for _, end := range ends {
			end()
		}
	}
}

// check refuses a place where the record has not come to, or behind more of an event
// than there is: an id of another record, behind which nothing may come for ever.
func (s *Stream) check(ctx context.Context) error {
	if s.join() {
		return nil
	}
	end, err := bounded(ctx, s.hub.o.Record.End)
	switch {
	case err != nil:
		return err
	case s.place.after.After(end):
		return errNoPlace()
	case s.place.told == 0:
		return nil
	}
	next, err := bounded(ctx, func(ctx context.Context) ([]lsapi.RecordedEvent, error) {
		return s.hub.o.Record.Events(ctx, s.place.after, 1)
	})
	if err == nil && (len(next) == 0 || s.place.told > len(s.hub.encode(s.place.after, &next[0]))) {
		err = errNoPlace()
	}
	return err
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
		close(h.emptied)
	}
}

// start lets the hub follow the record from its end, if it does not yet.
func (h *Hub) start(ctx context.Context) error {
	h.mu.RLock()
	started := h.started
	h.mu.RUnlock()
	if started {
		return nil
	}
	end, err := bounded(ctx, h.o.Record.End)
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
		h.ring.restart(end)
		h.work.Go(h.follow)
		h.work.Go(h.touch)
	}
	return nil
}

func errStopping() error { return lsapi.Errorf(lsapi.CodeUnavailable, "the service is stopping") }

// Close ends the stream. It may be called again.
func (s *Stream) Close() {
	s.closing.Do(func() {
		s.unwatch()
		s.hub.leave()
	})
}

// Ended reports whether the hub is closed.
func (s *Stream) Ended() bool { return s.hub.base.Err() != nil }

// AfterEnd has something done when the hub is closed, unless stop is called before.
func (s *Stream) AfterEnd(do func()) (stop func() bool) { return context.AfterFunc(s.hub.base, do) }

// Place is where the stream is: behind what Next has returned, and behind what there
// was that it does not want. It must not be asked for while Next runs.
func (s *Stream) Place() Place { return s.place }

// Next waits for what comes next, at most for as long as it is told to, and returns
// it; nothing when nothing came. An error ends the stream: ErrTooSlow, ErrClosed,
// that of the context, or one of the record: CodeNotFound when what comes next has
// been pruned from it.
func (s *Stream) Next(ctx context.Context, wait time.Duration) ([][]byte, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		if s.next < 0 {
			frames, err := s.catchUp(ctx)
			if err != nil || len(frames) > 0 {
				return frames, err
			}
			select {
			case <-timer.C:
				return nil, nil
			default:
				continue
			}
		}
		frames, news, err := s.take()
		if err != nil || len(frames) > 0 {
			return frames, err
		}
		select {
		case <-news:
		case <-timer.C:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.hub.base.Done():
			return nil, ErrClosed
		}
	}
}

// take returns what the ring has for the stream, and what to wait for when that is
// nothing.
func (s *Stream) take() (frames [][]byte, news <-chan struct{}, err error) {
	h := s.hub
	h.mu.RLock()
	defer h.mu.RUnlock()
	if s.next < h.ring.first {
		h.dropped.Add(1)
		return nil, nil, ErrTooSlow
	}
	for ; s.next < h.ring.end() && len(frames) < maxBatch; s.next++ {
		m := &h.ring.messages[s.next-h.ring.first]
		if s.wants(m) {
			frames, s.place = append(frames, m.frame), m.place
		}
	}
	if len(frames) == 0 && s.next == h.ring.end() {
		s.place = Place{after: h.ring.tail} // what others wanted is behind it too
	}
	return frames, h.news, nil
}

func (s *Stream) wants(m *message) bool {
	return len(s.loadBalancers) == 0 || slices.Contains(s.loadBalancers, m.loadBalancer)
}

// join takes the stream from the record to the ring, if that reaches back to where
// the stream is.
func (s *Stream) join() bool {
	s.hub.mu.RLock()
	defer s.hub.mu.RUnlock()
	next, ok := s.hub.ring.find(s.place)
	if ok {
		s.next = next
	}
	return ok
}

// catchUp returns what the record has for a stream that is behind the ring.
func (s *Stream) catchUp(ctx context.Context) ([][]byte, error) {
	if s.hub.base.Err() != nil {
		return nil, ErrClosed
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	page, err := s.hub.read(ctx, s.place.after)
	if err != nil {
		return nil, err
	}
	var frames [][]byte
	skip := s.place.told
	for i := range page {
		messages := s.hub.encode(s.place.after, &page[i])
		for _, m := range messages[min(skip, len(messages)):] {
			if s.wants(&m) {
				frames = append(frames, m.frame)
			}
		}
		s.place, skip = Place{after: page[i].Position}, 0
	}
	if !s.join() && len(page) == 0 {
		s.hub.await(ctx, s.place.after) // it has not read that far
	}
	return frames, nil
}

// read reads a page of the record for a stream that catches up, not for too many of
// them at once.
func (h *Hub) read(ctx context.Context, after lsapi.Position) ([]lsapi.RecordedEvent, error) {
	if err := h.catching.Acquire(ctx, 1); err != nil {
		return nil, &lsapi.Error{Code: lsapi.CodeTimeout, Err: err}
	}
	defer h.catching.Release(1)
	return h.o.Record.Events(ctx, after, maxBatch)
}

// await waits a little for the ring to reach to a position.
func (h *Hub) await(ctx context.Context, position lsapi.Position) {
	timer := time.NewTimer(lagPause)
	defer timer.Stop()
	h.mu.RLock()
	news, lags := h.news, position.After(h.ring.tail)
	h.mu.RUnlock()
	if !lags {
		return
	}
	select {
	case <-news:
	case <-timer.C:
	case <-ctx.Done():
	case <-h.base.Done():
	}
}
