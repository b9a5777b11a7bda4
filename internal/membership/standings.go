package membership

import (
	"maps"
	"slices"
	"time"

	"lsapi"
)

// former returns the members that lsapi has detached and that are not back, by the record.
func (r *round) former(now time.Time) []lsapi.MemberID {
	maps.DeleteFunc(r.journal.recorded.detached, func(_ lsapi.MemberID, at time.Time) bool { return now.Sub(at) >= lsapi.DetachedWithin })
	return slices.Collect(maps.Keys(r.journal.recorded.detached))
}

// standings returns how the members and the former ones count, each once.
func (r *round) standings(v *view, health []lsapi.MemberHealth, now time.Time) []lsapi.GuardedMember {
	counted := make(map[lsapi.MemberID]lsapi.Standing, len(v.members))
	for _, member := range r.former(now) {
		if !v.isTerminated(member) {
			counted[member] = lsapi.StandingDetached
		}
	}
	reported := make(map[lsapi.MemberID]lsapi.MemberHealth, len(health))
	for _, h := range health {
		reported[h.Member] = h
		if h.Draining {
			counted[h.Member] = lsapi.StandingDraining
		}
	}
	for member := range v.members {
		counted[member] = r.standing(member, v, reported)
	}
	for _, c := range r.open.changes {
		if c.action == lsapi.Detach {
			counted[c.member] = lsapi.StandingDetached
		}
	}
	members := make([]lsapi.GuardedMember, 0, len(counted))
	for member, standing := range counted {
		members = append(members, lsapi.GuardedMember{Member: member, Zone: v.facts[member.Instance].Zone, Standing: standing})
	}
	return members
}

// standing returns how a member counts. If it was detached within the overlay window, reads may
// show it as it was before that.
func (r *round) standing(member lsapi.MemberID, v *view, reported map[lsapi.MemberID]lsapi.MemberHealth) lsapi.Standing {
	h, known := reported[member]
	switch {
	case !known && v.isTerminated(member):
		return lsapi.StandingOut
	case !known || v.began.Before(r.journal.recorded.taken[member].Add(r.overlay.Window())):
		return lsapi.StandingUnknown
	case h.Draining && r.trustedFrom(r.pool, member).After(v.began):
		return lsapi.StandingUnknown // it is attached again
	case h.Draining:
		return lsapi.StandingDraining
	}
	switch h.State {
	case lsapi.InService:
		return lsapi.StandingInService
	case lsapi.OutOfService:
		return lsapi.StandingOut
	case lsapi.HealthUnknown:
	}
	return lsapi.StandingUnknown
}
