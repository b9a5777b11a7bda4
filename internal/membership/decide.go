package membership

import "lsapi"

// decide returns why a change is not sent to AWS; nil if it is. Its order is the
// contract's: CodeInvalid if the instance cannot be attached, then CodeConflict if the
// membership already is as requested.
func decide(action lsapi.Action, member lsapi.MemberID, instance lsapi.Instance, isMember bool, pool lsapi.PoolID) *lsapi.Error {
	if action == lsapi.Attach && !member.Address.IsValid() {
		if err := unfit(instance); err != nil {
			return err
		}
	}
	if isMember == (action == lsapi.Attach) {
		return errConflict(action, member, pool)
	}
	return nil
}

// unfit returns why the instance cannot be attached; nil if it can.
func unfit(instance lsapi.Instance) *lsapi.Error {
	switch {
	case !instance.Exists():
		return lsapi.Errorf(lsapi.CodeInvalid, "instance %s is not known to EC2", instance.ID)
	case instance.State != lsapi.StateRunning:
		return lsapi.Errorf(lsapi.CodeInvalid, "instance %s is not running, it is %s", instance.ID, instance.State)
	}
	return nil
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

// instanceIDs returns each instance of the batch once, in arrival order.
func instanceIDs(batch []*request) []string {
	var ids []string
	seen := make(map[string]bool)
	for _, r := range batch {
		if id := r.Member.Instance; !r.Member.Address.IsValid() && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
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
