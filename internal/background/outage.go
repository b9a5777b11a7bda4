package background

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
)

// Outage tracks whether something fails for the goroutines of a Group, and logs one line
// when that begins and one when it ends. Results after the Group was closed do not count,
// because the close may have caused them. It is safe for concurrent use.
type Outage struct {
	group        context.Context
	log          *slog.Logger
	begins, ends string
	failing      atomic.Bool
	turning      sync.Mutex // orders the lines of concurrent results
}

// NewOutage returns an Outage that has not begun. It logs begins, with the error, as a
// warning, and ends.
func NewOutage(g *Group, log *slog.Logger, begins, ends string) *Outage {
	return &Outage{group: g.ctx, log: log, begins: begins, ends: ends}
}

// Note takes a result, nil for a success. It reports whether the outage begins with it.
func (o *Outage) Note(err error) (begins bool) {
	failing := err != nil
	if o.group.Err() != nil || o.failing.Load() == failing {
		return false
	}
	o.turning.Lock()
	defer o.turning.Unlock()
	if o.failing.Swap(failing) == failing {
		return false
	}
	if failing {
		o.log.Warn(o.begins, "error", err)
	} else {
		o.log.Info(o.ends)
	}
	return failing
}

// Failing reports whether there is an outage.
func (o *Outage) Failing() bool { return o.failing.Load() }

// Forget ends the outage without a result.
func (o *Outage) Forget() { o.failing.Store(false) }
