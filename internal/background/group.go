// Package background runs the goroutines of a component and ends them with it, so that
// closing leaves none behind, starts none, and takes no longer than its context.
package background

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// grace is how long cancelled goroutines may take to return after the context of Close
// has ended.
const grace = 100 * time.Millisecond

// Group is a set of goroutines that end together. It is safe for concurrent use.
type Group struct {
	ctx    context.Context // of the goroutines
	cancel context.CancelFunc

	mu      sync.Mutex
	running int
	closed  bool
	ended   chan struct{} // closed when closed is set and nothing runs
}

// New returns an empty Group.
func New() *Group {
	ctx, cancel := context.WithCancel(context.Background())
	return &Group{ctx: ctx, cancel: cancel, ended: make(chan struct{})}
}

// Context ends when the Group is closed.
func (g *Group) Context() context.Context { return g.ctx }

// Go runs f in a goroutine, with a context that ends when the Group is closed. If the
// Group is closed already, it returns false and does not run f.
func (g *Group) Go(f func(ctx context.Context)) (started bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.running++
	go func() {
		defer g.exit()
		f(g.ctx)
	}()
	return true
}

func (g *Group) exit() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	if g.closed && g.running == 0 {
		close(g.ended)
	}
}

// Close cancels the goroutines and waits until all of them have returned. It returns an
// error if ctx ends first. It may be called again.
func (g *Group) Close(ctx context.Context) error {
	g.refuse()
	g.cancel()
	return g.wait(ctx)
}

// Drain starts no more goroutines and waits until the running ones have returned. If ctx
// ends first, it cancels them and returns an error. It may be called again.
func (g *Group) Drain(ctx context.Context) error {
	g.refuse()
	select {
	case <-g.ended:
		g.cancel()
		return nil
	case <-ctx.Done():
	}
	g.cancel()
	if err := g.wait(ctx); err != nil {
		return err
	}
	return fmt.Errorf("cut off: %w", ctx.Err())
}

// refuse makes Go return false from now on.
func (g *Group) refuse() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return
	}
	g.closed = true
	if g.running == 0 {
		close(g.ended)
	}
}

// wait waits for cancelled goroutines, for grace beyond ctx.
func (g *Group) wait(ctx context.Context) error {
	select {
	case <-g.ended:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-g.ended:
		return nil
	case <-time.After(grace):
		return fmt.Errorf("not everything has ended: %w", ctx.Err())
	}
}
