package events_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"lsapi"
	"lsapi/internal/events"
)

// record is a Record in memory.
type record struct {
	mu     sync.Mutex
	events []lsapi.RecordedEvent
	pruned lsapi.Position // nothing up to this is kept
	news   chan struct{}
	away   bool
	reads  int
}

func newRecord() *record { return &record{} }

// changed returns a channel that is closed by the next add. It is made by the first
// waiter, in the test's bubble. The caller holds mu.
func (r *record) changed() chan struct{} {
	if r.news == nil {
		r.news = make(chan struct{})
	}
	return r.news
}

// add records events, each "LOAD-BALANCER INSTANCE…": a message for each instance.
func (r *record) add(texts ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, text := range texts {
		fields := strings.Fields(text)
		n := int64(len(r.events) + 1)
		e := lsapi.RecordedEvent{Position: lsapi.Position{Major: n / 3, Minor: n}, Pool: lsapi.ELB(fields[0])}
		for _, id := range fields[1:] {
			e.Event.Added = append(e.Event.Added, lsapi.InstanceMember(id))
		}
		r.events = append(r.events, e)
	}
	if r.news != nil {
		close(r.news)
		r.news = nil
	}
}

func (r *record) Events(_ context.Context, after lsapi.Position, limit int) ([]lsapi.RecordedEvent, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads++
	switch {
	case r.away:
		return nil, &lsapi.Error{Code: lsapi.CodeUnavailable}
	case r.pruned.After(after):
		return nil, &lsapi.Error{Code: lsapi.CodeNotFound}
	}
	from := slices.IndexFunc(r.events, func(e lsapi.RecordedEvent) bool { return e.Position.After(after) })
	if from < 0 {
		return nil, nil
	}
	return slices.Clone(r.events[from:min(from+limit, len(r.events))]), nil
}

func (r *record) End(context.Context) (lsapi.Position, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away {
		return lsapi.Position{}, &lsapi.Error{Code: lsapi.CodeUnavailable}
	}
	if len(r.events) == 0 {
		return lsapi.Position{Minor: 0, Major: 0}, nil
	}
	return r.events[len(r.events)-1].Position, nil
}

func (r *record) News(ctx context.Context, after lsapi.Position) error {
	for {
		r.mu.Lock()
		news := r.changed()
		behind := len(r.events) > 0 && r.events[len(r.events)-1].Position.After(after)
		r.mu.Unlock()
		if behind {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
		}
	}
}

// encode returns a message for each instance of an event.
func encode(e *lsapi.RecordedEvent) []events.Message {
	var messages []events.Message
	for _, id := range e.Event.Added {
		messages = append(messages, events.Message{Member: id, Body: []byte("data: " + e.Pool.Name + " " + id.String() + "\n")})
	}
	return messages
}

// stuckRecord blocks reads of events until it is freed, and ignores the context.
type stuckRecord struct {
	*record
	freed chan struct{}
}

func (r *stuckRecord) Events(ctx context.Context, after lsapi.Position, limit int) ([]lsapi.RecordedEvent, error) {
	<-r.freed
	return r.record.Events(ctx, after, limit)
}

// hangingRecord blocks one of its methods until the context ends, like a database whose
// network drops packets.
type hangingRecord struct {
	*record
	hangs atomic.Value // the name of the method
}

func (r *hangingRecord) hang(ctx context.Context, method string) error {
	if r.hangs.Load() != method {
		return nil
	}
	<-ctx.Done()
	return &lsapi.Error{Code: lsapi.CodeTimeout, Err: ctx.Err()}
}

func (r *hangingRecord) Events(ctx context.Context, after lsapi.Position, limit int) ([]lsapi.RecordedEvent, error) {
	if err := r.hang(ctx, "Events"); err != nil {
		return nil, err
	}
	return r.record.Events(ctx, after, limit)
}

func (r *hangingRecord) End(ctx context.Context) (lsapi.Position, error) {
	if err := r.hang(ctx, "End"); err != nil {
		return lsapi.Position{}, err
	}
	return r.record.End(ctx)
}

func (r *hangingRecord) News(ctx context.Context, after lsapi.Position) error {
	if err := r.hang(ctx, "News"); err != nil {
		return err
	}
	return r.record.News(ctx, after)
}
