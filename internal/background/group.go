// Package background runs the goroutines of a part of the service, and ends them
// with it. All parts use it, so that none leaves a goroutine behind, starts one while
// it is being closed, or is closed for longer than its caller waits.
package background

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// grace is how long goroutines are waited for that were cancelled although the caller
// of Close waits no longer: most only have to notice.
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

// New returns a Group without goroutines.
func New() *Group {
	ctx, cancel := context.WithCancel(context.Background())
	return &Group{ctx: ctx, cancel: cancel, ended: make(chan struct{})}
}

// Context ends when the Group is closed.
func (g *Group) Context() context.Context { return g.ctx }

// Go runs f in a goroutine, with a context that ends when the Group is closed. It
// returns false, and f does not run, if that has happened already. It never waits.
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

// Close ends the context of the goroutines and waits until all of them have returned.
// Its error says that ctx ended before that. It may be called again.
func (g *Group) Close(ctx context.Context) error {
	g.refuse()
	g.cancel()
	return g.wait(ctx)
}

// Drain lets the goroutines finish, but starts no more. When ctx ends before that, it
// closes the Group, and its error says so. It may be called again.
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

// refuse makes Go start nothing any more.
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

// wait waits for the end of what was cancelled.
func (g *Group) wait(ctx context.Context) error {
	select {
	case <-g.ended:
		return nil
	case <-ctx.Done():
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-g.ended:
		return nil
	case <-timer.C:
		return fmt.Errorf("not everything has ended: %w", ctx.Err())
	}
}
