package membership

import (
	"slices"

	"lsapi"
)

// batch is the callers that share a round, in arrival order.
type batch struct {
	callers   []*caller
	members   int // at most maxBatch, unless one caller has more
	direction map[lsapi.MemberID]lsapi.Action
}

// admits reports whether the caller may share the round. It may not reverse a change of the
// round, which stays before it; nor depend on the outcome of one, unless it is a request for
// the same change.
func (b *batch) admits(c *caller) bool {
	if len(b.callers) == 0 {
		return true
	}
	if c.dependsOnAll() || b.callers[0].changesAny() {
		return false
	}
	added := 0
	for _, item := range c.Items {
		switch action, inRound := b.direction[item.Member]; {
		case !inRound:
			added++
		case action != item.Action || c.isBulk() || c.DryRun:
			return false
		}
	}
	return b.members+added <= maxBatch
}

// add adds a caller. A dry run changes nothing that others depend on.
func (b *batch) add(c *caller) {
	if b.direction == nil {
		b.direction = make(map[lsapi.MemberID]lsapi.Action)
	}
	b.callers = append(b.callers, c)
	for _, item := range c.Items {
		if _, inRound := b.direction[item.Member]; inRound {
			continue
		}
		b.members++
		if !c.DryRun {
			b.direction[item.Member] = item.Action
		}
	}
}

// held has the members whose requests must wait: for an open change, or for a request
// before them that waits for one.
type held struct {
	members map[lsapi.MemberID]bool
	isOpen  bool // a change is open
}

func newHeld(open []*change) *held {
	return &held{setOf(membersOf(open)), len(open) > 0}
}

// holds reports whether the caller must wait. Then later requests for its members wait, too.
func (h *held) holds(c *caller) bool {
	if !h.isOpen || !c.dependsOnAll() && !slices.ContainsFunc(c.Items, func(i lsapi.BulkItem) bool { return h.members[i.Member] }) {
		return false
	}
	for _, item := range c.Items {
		h.members[item.Member] = true
	}
	return true
}
