package health

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"lsapi"
)

// drains are the members that may be draining, by pool, with the latest time of a sign that
// they are.
type drains struct {
	since map[lsapi.PoolID]map[lsapi.MemberID]time.Time
	count int
}

// add adds a member that may be draining since a time.
func (d *drains) add(pool lsapi.PoolID, member lsapi.MemberID, at time.Time) {
	if _, ok := d.since[pool][member]; !ok {
		if d.count >= maxDrains {
			d.sweep(time.Now())
		}
		if d.count >= maxDrains {
			return
		}
		d.count++
	}
	if d.since[pool] == nil {
		d.since[pool] = make(map[lsapi.MemberID]time.Time)
	}
	d.since[pool][member] = later(d.since[pool][member], at)
}

// note adds those that drain by a report, and clears those that do not.
func (d *drains) note(report *lsapi.HealthReport) {
	for _, m := range report.Members {
		if m.Draining {
			d.add(report.Pool, m.Member, report.AsOf)
		} else {
			d.clear(report.Pool, m.Member, report.AsOf)
		}
	}
	for id := range maps.Clone(d.of(report.Pool, report.AsOf)) {
		if report.IsAbsent(id) {
			d.clear(report.Pool, id, report.AsOf)
		}
	}
}

// withInstance returns the members with an instance, sorted.
func (d *drains) withInstance(instanceID string, now time.Time) []lsapi.DrainingMember {
	var found []lsapi.DrainingMember
	for pool, members := range d.since {
		for member, since := range members {
			if member.Instance == instanceID && now.Sub(since) <= maxDrain {
				found = append(found, lsapi.DrainingMember{Pool: pool, ID: member})
			}
		}
	}
	slices.SortFunc(found, func(a, b lsapi.DrainingMember) int { return cmp.Or(a.Pool.Compare(b.Pool), a.ID.Compare(b.ID)) })
	return found
}

// remove removes a member that is not draining.
func (d *drains) remove(pool lsapi.PoolID, member lsapi.MemberID) {
	if _, ok := d.since[pool][member]; !ok {
		return
	}
	d.count--
	delete(d.since[pool], member)
	if len(d.since[pool]) == 0 {
		delete(d.since, pool)
	}
}

// clear removes a member that was not draining when a request began, unless a sign of its
// draining is newer.
func (d *drains) clear(pool lsapi.PoolID, member lsapi.MemberID, asked time.Time) {
	if since, ok := d.since[pool][member]; ok && !since.After(asked) {
		d.remove(pool, member)
	}
}

// of returns the unexpired ones of a pool.
func (d *drains) of(pool lsapi.PoolID, now time.Time) map[lsapi.MemberID]time.Time {
	for member, since := range d.since[pool] {
		if now.Sub(since) > maxDrain {
			d.remove(pool, member)
		}
	}
	return d.since[pool]
}

// sweep removes all expired ones.
func (d *drains) sweep(now time.Time) {
	for pool := range maps.Clone(d.since) {
		d.of(pool, now)
	}
}

// forget removes those of a pool.
func (d *drains) forget(pool lsapi.PoolID) {
	d.count -= len(d.since[pool])
	delete(d.since, pool)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
