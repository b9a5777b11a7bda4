package record

import (
	"slices"

	"lsapi"
)

// accept returns an event's payload without a number, or an error for an invalid event.
func accept(pool lsapi.PoolID, event lsapi.Event) (p *payload, err error) {
	p = &payload{
		Pool: pool, At: Exact(event.At), Kind: event.Kind, Since: Exact(event.Since), Until: Exact(event.Until),
		Incarnation: Clean(event.Incarnation),
	}
	if p.Incarnation != "" && p.Kind != lsapi.EventObserved && p.Kind != lsapi.EventCheckpoint {
		return nil, Contradiction("an event of kind %q names the incarnation %q", p.Kind, p.Incarnation)
	}
	switch event.Kind {
	case lsapi.EventIntended, lsapi.EventCompleted, lsapi.EventResolved:
		err = p.acceptChange(event)
	case lsapi.EventObserved:
		err = p.acceptObservation(event)
	case lsapi.EventHealth:
		err = p.acceptHealth(event)
	case lsapi.EventCheckpoint:
		p.Members = make(Members, len(event.Members))
		for _, member := range event.Members {
			p.Members[member] = 0
		}
	default:
		err = Contradiction("an event has the unknown kind %q", event.Kind)
	}
	return p, err
}

func (p *payload) acceptChange(event lsapi.Event) error {
	c := event.Change
	id, ok := ParseID(c.ID)
	switch {
	case !ok:
		return Contradiction("the change id %q is no UUID of version 7", c.ID)
	case c.Action != lsapi.Attach && c.Action != lsapi.Detach || c.Member.IsZero():
		return Contradiction("change %s is to %q the member %q", c.ID, c.Action, c.Member)
	case !c.Pool.IsZero() && c.Pool != p.Pool:
		return Contradiction("change %s is of pool %s, not of %s", c.ID, c.Pool, p.Pool)
	case (event.Kind == lsapi.EventIntended) != (c.Outcome == ""):
		return Contradiction("change %s is %s with the outcome %q", c.ID, event.Kind, c.Outcome)
	case !isNoneOrID(c.Bulk) || !isNoneOrID(c.Undoes):
		return Contradiction("change %s is of bulk %q and undoes %q, which are not both ids", c.ID, c.Bulk, c.Undoes)
	case c.Guard != nil && c.Guard.Rule == "":
		return Contradiction("change %s has a guard without a rule", c.ID)
	}
	change := newChangePayload(c)
	p.Change = &change
	p.At = Latest(p.At, IntendedAt(id)) // pruning relies on it
	return nil
}

func isNoneOrID(text string) bool {
	_, ok := ParseID(text)
	return ok || text == ""
}

func (p *payload) acceptObservation(event lsapi.Event) error {
	if len(event.Added)+len(event.Removed) == 0 || event.Until.IsZero() {
		return Contradiction("an observed event needs members, and the time of the look")
	}
	p.At = Latest(p.At, p.Until)
	var err error
	if p.Added, err = newIDs(event, event.Added, attachBit); err == nil {
		p.Removed, err = newIDs(event, event.Removed, 0)
	}
	return err
}

// attachBit orders changes that were observed at once: where a pool was replaced, a member
// of both is detached, and then attached.
const attachBit = 0x08

// newIDs returns an id for each member's external change.
func newIDs(event lsapi.Event, members []lsapi.MemberID, order byte) (map[lsapi.MemberID]string, error) {
	if len(members) == 0 {
		return nil, nil
	}
	ids := make(map[lsapi.MemberID]string, len(members))
	for _, member := range members {
		id, err := newID(event.Until)
		if err != nil {
			return nil, err
		}
		id[6] = id[6]&^attachBit | order // the first random bit
		ids[member] = id.String()
	}
	return ids, nil
}

func (p *payload) acceptHealth(event lsapi.Event) error {
	if len(event.Health)+len(event.Drained) == 0 {
		return Contradiction("a health event needs members")
	}
	members := slices.Clone(event.Drained)
	for _, h := range event.Health {
		if h.State == "" {
			return Contradiction("a health event gives member %s no state", h.Member)
		}
		members = append(members, h.Member)
		p.Health = append(p.Health, NewHealthPayload(h))
	}
	slices.SortFunc(members, lsapi.MemberID.Compare)
	if members[0].IsZero() || len(slices.Compact(members)) < len(event.Health)+len(event.Drained) {
		return Contradiction("a health event has a member twice, or one without an id: %q", members)
	}
	p.Drained = slices.SortedFunc(slices.Values(event.Drained), lsapi.MemberID.Compare)
	slices.SortFunc(p.Health, func(a, b HealthPayload) int { return a.Member.Compare(b.Member) })
	return nil
}
