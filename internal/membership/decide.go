package membership

import "lsapi"

// decide returns why a change is not sent to AWS; nil if it is. Its order is the
// contract's: CodeInvalid if the instance cannot be attached, then CodeConflict if the
// membership already is as requested.
func decide(action lsapi.Action, member lsapi.MemberID, instance lsapi.Instance, isMember bool, pool lsapi.PoolID) *lsapi.Error {
	if action == lsapi.Attach {
		if err := unfit(member, instance); err != nil {
			return err
		}
	}
	if isMember == (action == lsapi.Attach) {
		return errConflict(action, member, pool)
	}
	return nil
}

// unfit returns why a member with this instance cannot be attached; nil if it can. EC2 does
// not have addresses.
func unfit(member lsapi.MemberID, instance lsapi.Instance) *lsapi.Error {
	switch {
	case member.Address.IsValid():
		return nil
	case !instance.Exists():
		return lsapi.Errorf(lsapi.CodeInvalid, "instance %s is not known to EC2", instance.ID)
	case instance.State != lsapi.StateRunning:
		return lsapi.Errorf(lsapi.CodeInvalid, "instance %s is not running, it is %s", instance.ID, instance.State)
	}
	return nil
}

// ofIncarnation returns the requests whose members do not have the port of another
// incarnation of the pool, and the others.
func ofIncarnation(batch []*request, incarnation string) (placed, misplaced []*request) {
	for _, r := range batch {
		if r.portOf == "" || incarnation == "" || r.portOf == incarnation {
			placed = append(placed, r)
		} else {
			misplaced = append(misplaced, r)
		}
	}
	return placed, misplaced
}

// group makes one change of all requests for a member. They have the same direction: a
// reversal does not share a round.
func group(batch []*request, facts map[string]lsapi.Instance) []*change {
	var changes []*change
	byMember := make(map[lsapi.MemberID]*change)
	for _, r := range batch {
		c, ok := byMember[r.Member]
		if !ok {
			c = &change{action: r.Action, member: r.Member, instance: factsOf(facts, r.Member.Instance)}
			byMember[r.Member] = c
			changes = append(changes, c)
		}
		c.waiting = append(c.waiting, r)
	}
	return changes
}

// factsOf returns the instance's description, which is its id if EC2 does not know it.
func factsOf(facts map[string]lsapi.Instance, id string) lsapi.Instance {
	if instance, ok := facts[id]; ok {
		return instance
	}
	return lsapi.Instance{ID: id}
}

// instanceIDs returns each instance of members once, in their order.
func instanceIDs(members []lsapi.MemberID) []string {
	var ids []string
	seen := make(map[string]bool)
	for _, m := range members {
		if id := m.Instance; !m.Address.IsValid() && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

func requestedMembers(batch []*request) []lsapi.MemberID {
	ids := make([]lsapi.MemberID, len(batch))
	for i, r := range batch {
		ids[i] = r.Member
	}
	return ids
}

func membersOf(changes []*change) []lsapi.MemberID {
	ids := make([]lsapi.MemberID, len(changes))
	for i, c := range changes {
		ids[i] = c.member
	}
	return ids
}

func setOf(ids []lsapi.MemberID) map[lsapi.MemberID]bool {
	set := make(map[lsapi.MemberID]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}
