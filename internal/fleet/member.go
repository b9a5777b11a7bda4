package fleet

import "lsapi"

// newMemberDetail combines what is known of a member. It leaves out health of one that is
// neither a member nor draining: it is older than the detach.
func newMemberDetail(of lsapi.Member, member bool, health *lsapi.MemberHealth, history lsapi.MemberHistory) lsapi.MemberDetail {
	if !member && health != nil && !health.Draining {
		health = nil
	}
	return lsapi.MemberDetail{ID: of.ID, Instance: of.Instance, Member: member, Health: health, History: history}
}

// memberIn returns the id that a member has in a pool: one without a port has the target
// group's. CodeUnavailable: that is unknown before the first listing.
func memberIn(m lsapi.Membership, member lsapi.MemberID) (lsapi.MemberID, error) {
	switch {
	case member.Port > 0:
		return member, nil
	case m.Description == nil:
		return lsapi.ResolveMember(m.Pool, nil, member)
	}
	member.Port = m.Description.Port
	return member, nil
}

// memberOf returns a member; false if it is none.
func memberOf(m lsapi.Membership, member lsapi.MemberID) (lsapi.Member, bool) {
	for i := range m.Members {
		if m.Members[i].ID == member {
			return m.Members[i], true
		}
	}
	return lsapi.Member{ID: member, Instance: lsapi.Instance{ID: member.Instance}}, false
}

// hasInstance reports whether an instance is a member, on whatever port.
func hasInstance(m lsapi.Membership, id string) bool {
	for i := range m.Members { // in place: a filter looks at every member of the region
		if m.Members[i].ID.Instance == id {
			return true
		}
	}
	return false
}

// healthIn returns the health of a member in a report, which may be nil; nil if it has none.
func healthIn(report *lsapi.HealthReport, member lsapi.MemberID) *lsapi.MemberHealth {
	if report != nil {
		if health, ok := report.Of(member); ok {
			return &health
		}
	}
	return nil
}

// memberWith returns a member with EC2's description of its instance, or the id alone.
func memberWith(instances map[string]lsapi.Instance, id lsapi.MemberID) lsapi.Member {
	if instance, ok := instances[id.Instance]; ok {
		return lsapi.Member{ID: id, Instance: instance}
	}
	return lsapi.Member{ID: id, Instance: lsapi.Instance{ID: id.Instance}}
}

func isTerminated(i lsapi.Instance) bool {
	return i.State == "terminated" || i.State == "shutting-down"
}

func errTerminated() error {
	return lsapi.Errorf(lsapi.CodeConflict, "the instance is terminated")
}

func errNotMember() error {
	return lsapi.Errorf(lsapi.CodeNotFound, "it is not a member of the pool")
}
