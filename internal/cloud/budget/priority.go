package budget

import (
	"context"
	"sync/atomic"
)

// Level is a level of priority. Higher levels go first.
type Level int32

// The levels, from the lowest.
const (
	Background Level = iota // refreshes
	Foreground              // reads with a waiting caller; also calls without a priority
	Write                   // changes, and the reads of their lanes
)

// Priority is the priority of a call. It can be raised while the call waits, for example
// when a caller with a higher priority joins it.
type Priority struct {
	level atomic.Int32
}

// NewPriority returns a Priority with the level.
func NewPriority(level Level) *Priority {
	p := new(Priority)
	p.level.Store(int32(level))
	return p
}

// Context returns a context whose AWS calls have this priority.
func (p *Priority) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, priorityKey{}, p)
}

// Raise raises the level, and never lowers it. Waiting attempts keep their order of
// arrival, and have the new level from the next token on.
func (p *Priority) Raise(to Level) {
	for {
		level := p.level.Load()
		if level >= int32(to) || p.level.CompareAndSwap(level, int32(to)) {
			return
		}
	}
}

// Level returns the current level.
func (p *Priority) Level() Level { return Level(p.level.Load()) }

// PriorityOf returns the priority in ctx, or a new one of Foreground.
func PriorityOf(ctx context.Context) *Priority {
	if p, ok := ctx.Value(priorityKey{}).(*Priority); ok {
		return p
	}
	return NewPriority(Foreground)
}

type priorityKey struct{}
