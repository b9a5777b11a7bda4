package membership

import (
	"context"
	"slices"
	"time"

	"lsapi"
)

// begin takes the load balancer's lease for a round, and reads what the record says
// unless the log still ends where the lane's last round left it. It ends when all
// callers have left.
func (l *lane) begin(batch []*request) (*round, error) {
	ctx, cancel := l.service.asking()
	defer cancel()
	defer whenAllHaveLeft(batch, cancel)()
	lease, err := l.service.record.Acquire(ctx, l.loadBalancer)
	if err != nil {
		return nil, err
	}
	r := &round{lane: l, lease: lease}
	last := l.last
	l.last = nil // it may run ahead of the record, until the round has ended well
	if last != nil && last.head == lease.Head {
		r.recorded = last
		return r, nil
	}
	if err := r.read(ctx); err != nil {
		r.end()
		return nil, err
	}
	return r, nil
}

// read reads what the record says: of changes that others made, or this process
// before it crashed.
func (r *round) read(ctx context.Context) error {
	state, err := r.service.record.LaneState(ctx, r.loadBalancer, r.service.overlay.Keep())
	if err != nil {
		return err
	}
	if state.Head != r.lease.Head {
		return &lsapi.Error{
			Code: lsapi.CodeUnavailable, Err: lsapi.ErrLeaseLost,
			Message: "the record of load balancer " + r.loadBalancer + " was written by another process meanwhile",
		}
	}
	if err := r.service.overlay.Learn(r.loadBalancer, state.Applied); err != nil {
		return err
	}
	r.recorded = recordedMembersOf(state, r.service.overlay.Window())
	r.markInformed()
	r.reconcile(state.Open)
	return nil
}

// permit lets an attempt be made that ends before the lease can be somebody else's.
func (r *round) permit(ctx context.Context) (until time.Time, err error) {
	r.extending.Lock()
	defer r.extending.Unlock()
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	lease, err := r.service.record.Renew(ctx, r.lease)
	if err != nil {
		return time.Time{}, errUnrecorded(err)
	}
	r.lease = lease
	return lease.Until, nil
}

// end releases the lease. If that cannot be said, the lease ends by itself. What the
// round knew is kept for the next one, which uses it only if the log still ends there.
func (r *round) end() {
	if r.failure == nil {
		r.last = r.recorded
	}
	ctx, cancel := r.service.recording()
	defer cancel()
	if err := r.service.record.Release(ctx, r.lease); err != nil {
		r.service.log.Warn("the lease of a load balancer could not be given back", "load_balancer", r.loadBalancer, "error", err)
	}
}

// reconcile makes the lane's open changes those of the record.
func (r *round) reconcile(open []lsapi.Change) {
	mine := make(map[string]*change, len(r.open))
	for _, c := range r.open {
		mine[c.recorded.ID] = c
	}
	r.open = nil
	for _, recorded := range open {
		if c := mine[recorded.ID]; c != nil {
			r.open = append(r.open, c)
			delete(mine, recorded.ID)
			continue
		}
		r.open = append(r.open, r.orphan(recorded))
	}
	for _, c := range mine { // another process has settled them
		if c.maker != nil {
			c.maker.conclude(errElsewhere(c))
		}
		r.againOrRefuse(c.waiting)
	}
}

// orphan is an open change whose caller has lost its connection with whoever
// sent the change. Its call is never repeated.
func (l *lane) orphan(recorded lsapi.Change) *change {
	return &change{
		action: recorded.Action, instance: recorded.Instance, recorded: recorded,
		deadline: recorded.Deadline, trusted: l.trusted(recorded.InstanceID), sentAt: recorded.Deadline.Add(-maxChange),
	}
}

// markInformed notes that the record has been read.
func (l *lane) markInformed() {
	l.service.mu.Lock()
	defer l.service.mu.Unlock()
	l.informed = true
}

// isHeld reports whether an open change keeps others of its instance waiting.
func (l *lane) isHeld(instance string) bool {
	return slices.ContainsFunc(l.open, func(c *change) bool { return c.instance.ID == instance })
}
