package membership

import (
	"context"
	"slices"
	"time"

	"lsapi"
)

// begin takes the load balancer's turn for a round, and reads what the record
// says unless nobody else can have written there since. It ends when nobody wants
// to know any more.
func (l *lane) begin(batch []*request) error {
	s := l.service
	ctx, cancel := s.asking()
	defer cancel()
	if len(batch) > 0 {
		defer whenAllHaveLeft(batch, cancel)()
	}
	turn, err := s.record.Take(ctx, l.loadBalancer)
	if err != nil {
		return err
	}
	l.turn = turn
	if turn.Resumed && l.roster.loaded {
		return nil
	}
	state, err := s.record.LaneState(ctx, l.loadBalancer, s.recently())
	if err != nil {
		l.end()
		return err
	}
	l.adopt(state)
	return nil
}

// permit lets an attempt be made that ends before the turn can be somebody
// else's. Two calls of a round may ask for it at once.
func (l *lane) permit(ctx context.Context) (until time.Time, err error) {
	l.extending.Lock()
	defer l.extending.Unlock()
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	turn, err := l.service.record.Extend(ctx, l.turn)
	if err != nil {
		return time.Time{}, errUnrecorded(err)
	}
	l.turn = turn
	return turn.Until, nil
}

// end gives the turn back. If that cannot be said, the turn ends by itself.
func (l *lane) end() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.service.base), recordTimeout)
	defer cancel()
	if err := l.service.record.Give(ctx, l.turn); err != nil {
		l.service.log.Warn("the turn of a load balancer could not be given back", "load_balancer", l.loadBalancer, "error", err)
	}
}

// adopt makes the lane know what the record says: of changes that others made, or
// this process before it crashed.
func (l *lane) adopt(state lsapi.LaneState) {
	l.roster = roster{loaded: true, known: state.Known, members: state.Members, lookedAt: state.LookedAt}
	l.recall(state.Applied)
	mine := make(map[string]*change, len(l.open))
	for _, c := range l.open {
		mine[c.recorded.ID] = c
	}
	l.open = nil
	for _, recorded := range state.Open {
		if c := mine[recorded.ID]; c != nil {
			l.open = append(l.open, c)
			delete(mine, recorded.ID)
			continue
		}
		l.open = append(l.open, l.orphan(recorded))
	}
	for _, c := range mine { // somebody else has settled them
		if c.maker != nil {
			c.maker.conclude(errElsewhere(c))
		}
		l.again(c.waiting)
	}
}

// orphan is an open change whose caller has lost its connection with whoever
// sent the change. Its call is never repeated.
func (l *lane) orphan(recorded lsapi.Change) *change {
	return &change{
		action: recorded.Action, instance: recorded.Instance, recorded: recorded,
		deadline: recorded.Deadline, trusted: l.trusted(recorded.InstanceID),
	}
}

// recall lays changes that the record has over the reads to come.
func (l *lane) recall(changes []lsapi.Change) {
	l.service.mu.Lock()
	defer l.service.mu.Unlock()
	l.informed = true
	for _, c := range changes {
		l.overlay.lay(c)
	}
}

// isHeld reports whether an open change keeps others of its instance waiting.
func (l *lane) isHeld(instance string) bool {
	return slices.ContainsFunc(l.open, func(c *change) bool { return c.instance.ID == instance })
}
