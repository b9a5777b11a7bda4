package cloud

import (
	"context"
	"time"

	"lsapi/internal/cloud/budget"
)

// Priority is the priority of a client's calls.
type Priority struct {
	level      budget.Level
	raiseAfter time.Duration // 0: never
}

// PriorityOf returns the Priority of a level.
func PriorityOf(level budget.Level) Priority { return Priority{level: level} }

// RefreshPriority returns the Priority of calls in the background. A call that takes longer
// than raiseAfter is raised to Foreground: otherwise, continuous fresh reads could keep
// everything else from being refreshed.
func RefreshPriority(raiseAfter time.Duration) Priority {
	return Priority{budget.Background, raiseAfter}
}

// Begin returns the context of a call with this priority. The caller calls done after the
// call.
func (p Priority) Begin(ctx context.Context) (_ context.Context, done func()) {
	priority := budget.NewPriority(p.level)
	ctx = priority.Context(ctx)
	if p.raiseAfter == 0 {
		return ctx, func() {}
	}
	timer := time.AfterFunc(p.raiseAfter, func() { priority.Raise(budget.Foreground) })
	return ctx, func() { timer.Stop() }
}
