package fleet

import "lsapi"

// newMemberDetail combines what is known of an instance. It leaves out health of an
// instance that is neither a member nor draining: it is older than the detach.
func newMemberDetail(instance lsapi.Instance, member bool, health *lsapi.MemberHealth, history lsapi.MemberHistory) lsapi.MemberDetail {
	if !member && health != nil && !health.Draining {
		health = nil
	}
	return lsapi.MemberDetail{Instance: instance, Member: member, Health: health, History: history}
}

// memberOf returns a member; false if the instance is none.
func memberOf(m lsapi.Membership, member lsapi.MemberID) (lsapi.Instance, bool) {
	for i := range m.Members { // in place: a filter looks at every member of the region
		if m.Members[i].ID == member.Instance {
			return m.Members[i], true
		}
	}
	return lsapi.Instance{ID: member.Instance}, false
}

// healthIn returns the health of an instance in a report, which may be nil; nil if it has
// none.
func healthIn(report *lsapi.HealthReport, member lsapi.MemberID) *lsapi.MemberHealth {
	if report != nil {
		if health, ok := report.Of(member); ok {
			return &health
		}
	}
	return nil
}

// instanceOr returns EC2's description of an instance, or the id alone.
func instanceOr(instances map[string]lsapi.Instance, id string) lsapi.Instance {
	if instance, ok := instances[id]; ok {
		return instance
	}
	return lsapi.Instance{ID: id}
}

func isTerminated(i lsapi.Instance) bool {
	return i.State == "terminated" || i.State == "shutting-down"
}

func errTerminated() error {
	return lsapi.Errorf(lsapi.CodeConflict, "the instance is terminated")
}

func errNotMember() error {
	return lsapi.Errorf(lsapi.CodeNotFound, "the instance is not a member of the load balancer")
}
