package record

import (
	"context"
	"sync"
	"time"
)

// Within runs f, and returns when f or ctx ends: a hanging disk cannot be interrupted.
// After an error f may still be running, and the caller must not read its results.
func Within(ctx context.Context, f func(context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return Ended(ctx)
	}
}

// Pause waits for a hint, or for the pause without one; Ended when ctx ends.
func Pause(ctx context.Context, hints <-chan struct{}, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-hints:
	case <-timer.C:
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return Ended(ctx)
	}
	return nil
}

// gather is Pause, and collects further hints for a moment after the first.
func gather(ctx context.Context, hints <-chan struct{}, pause time.Duration) error {
	began := time.Now()
	err := Pause(ctx, hints, pause)
	if err == nil && time.Since(began) < pause {
		err = Pause(ctx, nil, gatherPause)
	}
	return err
}

// Hints wake waiters, by the name of what they wait for. The zero value is ready.
type Hints struct {
	mu      sync.Mutex
	waiting map[string]map[chan struct{}]bool
}

// Wait returns a channel that holds one value after a hint, until forget is called.
func (h *Hints) Wait(name string) (woken <-chan struct{}, forget func()) {
	c := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting == nil {
		h.waiting = make(map[string]map[chan struct{}]bool)
	}
	if h.waiting[name] == nil {
		h.waiting[name] = make(map[chan struct{}]bool)
	}
	h.waiting[name][c] = true
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.waiting[name], c)
		if len(h.waiting[name]) == 0 {
			delete(h.waiting, name)
		}
	}
}

// Wake wakes the waiters of a name.
func (h *Hints) Wake(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.waiting[name] {
		Signal(c)
	}
}

// WakeAll wakes all waiters: hints may have been missed.
func (h *Hints) WakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, waiting := range h.waiting {
		for c := range waiting {
			Signal(c)
		}
	}
}

// Signal fills a channel that holds one value.
func Signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
