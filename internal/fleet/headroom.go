package fleet

import (
	"context"
	"time"

	"lsapi"
	"lsapi/internal/background"
	"lsapi/internal/guard"
)

// Headroom is the headroom of a pool, and what it would be with every member in service and
// none out.
type Headroom struct{ Now, Full int }

// Start starts the computation of headrooms.
func (f *Fleet) Start() {
	f.group.Go(func(ctx context.Context) { background.Every(ctx, headroomEvery, func() { f.updateHeadrooms(ctx) }) })
}

// Headrooms returns the headroom of pools with rules whose health is known, as of some
// seconds ago. The pools are those that the policy selects by name, and those that were
// changed or whose guards were shown within a quarter of an hour; at most 200.
func (f *Fleet) Headrooms() map[lsapi.PoolID]Headroom {
	if all := f.headrooms.Load(); all != nil {
		return *all
	}
	return nil
}

// updateHeadrooms computes the headrooms from memory and from the record. It makes no call
// to AWS, and is no reader, so that refreshes pause without others.
func (f *Fleet) updateHeadrooms(ctx context.Context) {
	found := make(map[lsapi.PoolID]Headroom)
	for _, pool := range f.o.Lists.Pools() {
		if len(found) == maxHeadrooms {
			break
		}
		selected := f.o.Guards.Selects(pool)
		if !selected && !f.o.Tags.isWanted(pool) {
			continue
		}
		m, ok := f.o.Lists.Peek(pool)
		if !ok || time.Since(m.AsOf) > knownHealthAge {
			continue
		}
		if selected {
			f.o.Tags.want(pool)
		}
		if h, ok := f.headroom(ctx, m); ok {
			found[pool] = h
		}
	}
	f.headrooms.Store(&found)
}

// headroom returns the headroom of a pool; false if no rule limits it, or it is unknown.
func (f *Fleet) headroom(ctx context.Context, m lsapi.Membership) (Headroom, bool) {
	rules, known := f.o.Guards.Known(m.Pool)
	if !known || !guard.NeedsHealth(rules) {
		return Headroom{}, false
	}
	s := guarded{membership: m, report: m.Health, rules: rules}
	if s.report == nil {
		report, ok := f.o.Health.Latest(m.Pool)
		if !ok {
			return Headroom{}, false
		}
		s.report = &report
	}
	if time.Since(s.report.AsOf) > knownHealthAge {
		return Headroom{}, false
	}
	short, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	if s.state, s.noState = f.laneState(short, ctx, m.Pool); s.noState != nil {
		return Headroom{}, false
	}
	now := time.Now()
	full := make([]lsapi.GuardedMember, 0, len(m.Members))
	for _, member := range m.Members {
		full = append(full, lsapi.GuardedMember{Member: member.ID, Zone: member.Instance.Zone, Standing: lsapi.StandingInService})
	}
	room, limited := guard.Count(s.rules, now, s.standings()).Headroom()
	best, _ := guard.Count(s.rules, now, full).Headroom()
	return Headroom{room, best}, limited
}
