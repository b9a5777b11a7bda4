package membership

import (
	"errors"
	"slices"

	"lsapi"
)

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

// judge returns why a request is not sent to AWS, as far as that depends on its member alone.
// Of a desired set, the members that stay may have any instance.
func (r *request) judge(isMember bool) *lsapi.Error {
	if r.caller.Desired != nil && isMember == (r.action == lsapi.Attach) {
		return errConflict(r.action, r.member, r.caller.Pool)
	}
	return decide(r.action, r.member, r.instance, isMember, r.caller.Pool)
}

func (r *request) isToSend() bool { return r.verdict == nil }

// isUnchanged reports whether the membership already is as requested.
func (r *request) isUnchanged() bool { return r.verdict != nil && r.verdict.Code == lsapi.CodeConflict }

// isRefused reports whether the request is not sent, by its own fault or that of a guard.
func (r *request) isRefused() bool {
	return !r.isToSend() && !r.isUnchanged() && r.verdict.Code != lsapi.CodeBulkSkipped
}

// leavesEvent reports whether the request is on record in any case. Of a desired set, the
// members that stay are not.
func (r *request) leavesEvent() bool {
	return r.isToSend() || r.isRefusedByRule() || r.isUnchanged() && r.caller.Desired == nil
}

// unsent returns the result of a request that is not sent and not on record.
func (r *request) unsent() result {
	return result{outcome: r.unsentOutcome(), guard: r.refusedBy(), err: r.verdict}
}

// unsentOutcome returns the outcome of a request that is not sent; empty if it was skipped,
// or if its guard cannot decide.
func (r *request) unsentOutcome() lsapi.Outcome {
	switch code := r.verdict.Code; {
	case code == lsapi.CodeConflict:
		return lsapi.OutcomeConflict
	case code == lsapi.CodeBulkSkipped || code.IsTemporary():
		return ""
	}
	return lsapi.OutcomeRefused
}

// skipIfRefused skips all other requests if one is refused.
func (c *caller) skipIfRefused() {
	if !slices.ContainsFunc(c.requests, (*request).isRefused) {
		return
	}
	for _, r := range c.requests {
		if !r.isRefused() {
			r.verdict = errSkipped(r.action, r.member)
		}
	}
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

// namedMembers returns the members that the callers change, as far as they are known without
// a read.
func namedMembers(callers []*caller) []lsapi.MemberID {
	var ids []lsapi.MemberID
	for _, c := range callers {
		if c.Desired != nil {
			continue
		}
		for _, item := range c.Items {
			ids = append(ids, item.Member)
		}
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

// isRefusedByRule reports whether a rule refuses the request, not that something is unknown.
func (r *request) isRefusedByRule() bool {
	if r.refusedBy() == nil {
		return false
	}
	_, byRule := errors.AsType[*lsapi.GuardRefusal](r.verdict)
	return byRule
}

// refusedBy returns the guard that refuses the request; nil if none does.
func (r *request) refusedBy() *lsapi.GuardVerdict {
	if r.guard == nil || r.guard.Overridden {
		return nil
	}
	return r.guard
}
