package record

import (
	"maps"
	"slices"

	"lsapi"
)

// effects are what an event does to the projections.
type effects struct {
	changes      []ChangeRow      // new rows
	joined, left []lsapi.MemberID // those that became or ceased to be members
	detached     []lsapi.MemberID // those that lsapi detached
	removed      []lsapi.MemberID // those that others detached
	healths      []HealthRow      // new rows
	drained      []lsapi.MemberID // members whose health is dropped
	replaces     bool             // all health and detached members are of the pool that is replaced
}

// applies reports whether lsapi changed a membership.
func (e effects) applies() bool {
	return slices.ContainsFunc(e.changes, func(c ChangeRow) bool {
		return c.Outcome == lsapi.OutcomeApplied && c.Source == lsapi.SourceLSAPI
	})
}

// effectsOf alone defines what events mean. before is the event's change while it was
// open, nil for an event that begins one.
func effectsOf(p *payload, before *ChangeRow) effects {
	switch p.Kind {
	case lsapi.EventIntended:
		return effects{changes: []ChangeRow{{Change: p.change(*p.Change), Begun: p.Seq}}}
	case lsapi.EventCompleted, lsapi.EventResolved:
		return p.completion(before)
	case lsapi.EventObserved:
		return p.observation()
	case lsapi.EventHealth:
		e := effects{drained: p.Drained}
		for _, h := range p.Health {
			e.healths = append(e.healths, HealthRow{MemberHealth: h.MemberHealth(), Seq: p.Seq, Since: p.At})
		}
		return e
	case lsapi.EventCheckpoint:
	}
	return effects{replaces: p.Replaces}
}

func (p *payload) completion(before *ChangeRow) effects {
	change, begun := *p.Change, p.Seq
	if before != nil {
		change.with(newChangePayload(before.Change))
		begun = before.Begun
	}
	done := ChangeRow{Change: p.change(change), Begun: begun, Done: p.Seq}
	done.CompletedAt = p.At
	e := effects{changes: []ChangeRow{done}}
	switch {
	case done.Outcome != lsapi.OutcomeApplied:
	case done.Action == lsapi.Attach:
		e.joined = []lsapi.MemberID{done.Member}
	case done.Action == lsapi.Detach:
		e.left = []lsapi.MemberID{done.Member}
		e.detached = e.left
	}
	return e
}

func (p *payload) observation() effects {
	e := effects{
		joined:   slices.SortedFunc(maps.Keys(p.Added), lsapi.MemberID.Compare),
		left:     slices.SortedFunc(maps.Keys(p.Removed), lsapi.MemberID.Compare),
		replaces: p.Replaces,
	}
	e.removed = e.left
	for _, member := range e.joined {
		e.changes = append(e.changes, p.external(lsapi.Attach, member, p.Added[member]))
	}
	for _, member := range e.left {
		e.changes = append(e.changes, p.external(lsapi.Detach, member, p.Removed[member]))
	}
	return e
}

// external is a change that was not made through lsapi.
func (p *payload) external(action lsapi.Action, member lsapi.MemberID, id string) ChangeRow {
	c := p.change(changePayload{ID: id, Action: action, Member: member, Outcome: lsapi.OutcomeApplied, Resolution: lsapi.ResolutionObserved})
	c.Source, c.NotBefore, c.CompletedAt = lsapi.SourceExternal, p.Since, p.At
	return ChangeRow{Change: c, Begun: p.Seq, Done: p.Seq}
}

func (m Members) apply(seq int64, e effects) {
	for _, member := range e.joined {
		m[member] = seq
	}
	for _, member := range e.left {
		delete(m, member)
	}
}

func (h Healths) apply(e effects) {
	if e.replaces {
		clear(h)
	}
	for _, row := range e.healths {
		h[row.Member] = row
	}
	for _, member := range e.drained {
		delete(h, member)
	}
}

func (d Detached) apply(seq int64, e effects) {
	if e.replaces {
		clear(d)
	}
	for _, member := range e.detached {
		d[member] = DetachedRow{Seq: seq}
	}
	for _, member := range e.removed {
		delete(d, member)
	}
}
