package fleet

import (
	"context"
	"sync"
	"time"

	"lsapi"
	"lsapi/internal/guard"
)

// Guard returns what the guards of a pool allow now. What cannot be read in time is its
// Unknown. If fresh is set, members and health are read after the call; tags are at most two
// minutes old. CodeNotFound: there is no such pool.
func (f *Fleet) Guard(ctx context.Context, pool lsapi.PoolID, fresh bool) (lsapi.PoolGuard, error) {
	m, err := f.o.Lists.One(ctx, pool, fresh)
	if err != nil {
		return lsapi.PoolGuard{}, err
	}
	short, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	s := guarded{membership: m, lag: f.o.Lag}
	var parts sync.WaitGroup
	parts.Go(func() { s.rules, s.noRules = f.o.Guards.Rules(short, pool) })
	parts.Go(func() { s.report, _ = f.report(short, ctx, pool, m.Health, healthAge(shownHealthAge, fresh)) })
	parts.Go(func() { s.state, s.noState = f.laneState(short, ctx, pool) })
	parts.Wait()
	s.former = f.formerInstances(short, s.state.Detached)
	return s.view(time.Now()), nil
}

// laneState returns the open changes of a pool and its detached members.
func (f *Fleet) laneState(ctx, caller context.Context, pool lsapi.PoolID) (lsapi.LaneState, error) {
	found, err := f.lanes.Do(ctx, pool)
	note(caller, f.sources.record, err)
	return found[pool], err
}

// guarded is what the guards of a pool depend on.
type guarded struct {
	membership lsapi.Membership
	rules      []guard.Rule
	noRules    error                     // why not all rules are known
	report     *lsapi.HealthReport       // nil: unknown
	state      lsapi.LaneState           // of the record
	noState    error                     // why it is unknown
	former     map[string]lsapi.Instance // of the detached members; nil: unknown
	lag        time.Duration             // of AWS's reads
}

// formerInstances returns EC2's descriptions of detached members, nil if they cannot be read.
func (f *Fleet) formerInstances(ctx context.Context, detached map[lsapi.MemberID]time.Time) map[string]lsapi.Instance {
	var ids []string
	for member := range detached {
		if member.IsInstance() {
			ids = append(ids, member.Instance)
		}
	}
	found, err := f.instances.get(ctx, ids...)
	if err != nil {
		return nil
	}
	return found
}

// view returns what the guards allow now.
func (s *guarded) view(now time.Time) lsapi.PoolGuard {
	v := lsapi.PoolGuard{Pool: s.membership.Pool, Unknown: s.unknown(), AsOf: s.membership.AsOf}
	if s.report != nil {
		v.Members, v.HealthAsOf = s.standings(), s.report.AsOf
	}
	tally := guard.Count(s.rules, now, v.Members)
	v.Members, v.InService, v.Out, v.Frozen = tally.Members(), tally.InService(), tally.Out(), tally.Frozen()
	for _, r := range s.rules {
		v.Rules = append(v.Rules, s.rule(r, tally))
	}
	room, limited := tally.Headroom()
	if v.Unknown != "" {
		room, limited = 0, true
	}
	if limited {
		v.Headroom = &room
	}
	return v
}

// unknown returns what is missing, so that the lanes refuse detaches.
func (s *guarded) unknown() lsapi.GuardUnknown {
	switch {
	case s.noRules != nil:
		return lsapi.GuardTags
	case !guard.NeedsHealth(s.rules):
		return ""
	case s.report == nil:
		return lsapi.GuardHealth
	case s.noState != nil:
		return lsapi.GuardRecord
	}
	return ""
}

// rule shows a rule with its number, if that depends on nothing unknown.
func (s *guarded) rule(r guard.Rule, tally *guard.Tally) lsapi.GuardRule {
	shown := lsapi.GuardRule{Kind: string(r.Kind), Text: r.String(), Source: r.Source}
	switch r.Kind {
	case guard.MinInService, guard.MinInServicePerZone, guard.MaxOut, guard.KeepLast:
		if number := tally.Number(r); !r.Amount.Percent || s.report != nil && s.noState == nil {
			shown.Number = &number
		}
	case guard.Freeze, guard.Malformed:
	}
	return shown
}

// standings returns the members and the former ones as the lanes count them.
func (s *guarded) standings() []lsapi.GuardedMember {
	counted := make(map[lsapi.MemberID]lsapi.GuardedMember, len(s.membership.Members))
	count := func(member lsapi.MemberID, zone string, standing lsapi.Standing) {
		counted[member] = lsapi.GuardedMember{Member: member, Zone: zone, Standing: standing}
	}
	for member := range s.state.Detached {
		instance := s.former[member.Instance]
		if ended := member.IsInstance() && s.former != nil && instance.IsTerminated(); !ended {
			count(member, instance.Zone, lsapi.StandingDetached)
		}
	}
	for _, h := range s.report.Members {
		if h.Draining {
			count(h.Member, s.former[h.Member.Instance].Zone, lsapi.StandingDraining)
		}
	}
	for _, m := range s.membership.Members {
		count(m.ID, m.Instance.Zone, standing(m, s.report))
	}
	s.doubt(counted)
	all := make([]lsapi.GuardedMember, 0, len(counted))
	for _, m := range counted {
		all = append(all, m)
	}
	return all
}

// doubt counts as unknown or detached the members of changes that the report may not show.
func (s *guarded) doubt(counted map[lsapi.MemberID]lsapi.GuardedMember) {
	for _, c := range s.state.Applied {
		m, isCounted := counted[c.Member]
		if isCounted && m.Standing == lsapi.StandingInService && c.Action == lsapi.Detach && s.report.AsOf.Before(c.At.Add(s.lag)) {
			m.Standing = lsapi.StandingUnknown
			counted[c.Member] = m
		}
	}
	for _, c := range s.state.Open {
		if c.Action == lsapi.Detach {
			counted[c.Member] = lsapi.GuardedMember{Member: c.Member, Zone: counted[c.Member].Zone, Standing: lsapi.StandingDetached}
		}
	}
}

// standing returns how a member counts.
func standing(m lsapi.Member, report *lsapi.HealthReport) lsapi.Standing {
	h, known := report.Of(m.ID)
	switch {
	case !known && m.ID.IsInstance() && m.Instance.IsTerminated():
		return lsapi.StandingOut
	case !known:
		return lsapi.StandingUnknown
	case h.Draining:
		return lsapi.StandingDraining
	case h.State == lsapi.InService:
		return lsapi.StandingInService
	case h.State == lsapi.OutOfService:
		return lsapi.StandingOut
	}
	return lsapi.StandingUnknown
}
