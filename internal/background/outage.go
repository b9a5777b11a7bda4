package background

import (
	"context"
	"sync/atomic"
)

// Outage tracks whether something fails for the goroutines of a Group, so that the log
// gets one line when that begins and one when it ends. Results after the Group was closed
// do not count, because the close may have caused them. It is safe for concurrent use.
type Outage struct {
	group   context.Context
	failing atomic.Bool
}

// NewOutage returns an Outage that has not begun.
func NewOutage(g *Group) *Outage { return &Outage{group: g.ctx} }

// Note takes a result, nil for a success. It reports whether the outage begins or ends
// with it.
func (o *Outage) Note(err error) (begins, ends bool) {
	failing := err != nil
	if o.group.Err() != nil || o.failing.Load() == failing || o.failing.Swap(failing) == failing {
		return false, false
	}
	return failing, !failing
}

// Failing reports whether there is an outage.
func (o *Outage) Failing() bool { return o.failing.Load() }

// Forget ends the outage without a result.
func (o *Outage) Forget() { o.failing.Store(false) }
