package fleet

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"lsapi"
)

// Instance returns an instance and the pools that it serves in, without what cannot be read
// in time. If fresh is set, memberships and health are read after the call. Unread are the
// pools that could not be, and those in which the instance may be draining, if that cannot
// be read.
//
// CodeNotFound: EC2 has no such instance, and no pool has it as a member.
func (f *Fleet) Instance(ctx context.Context, instanceID string, fresh bool) (lsapi.InstanceDetail, error) {
	found, err := f.o.Lists.Memberships(ctx, instanceID, fresh)
	if err != nil {
		return lsapi.InstanceDetail{}, err
	}
	short, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	candidates := f.candidates(instanceID, found.Found)
	all, unread := make([]*lsapi.InstanceMembership, len(candidates)), make([]bool, len(candidates))
	detail := lsapi.InstanceDetail{Instance: lsapi.Instance{ID: instanceID}, Unread: found.Unread, Outdated: found.Outdated, Whole: found.Whole}
	gone := false
	var parts sync.WaitGroup
	parts.Go(func() { detail.Instance, gone = f.described(short, ctx, instanceID, found.Found) })
	for i, c := range candidates {
		parts.Go(func() { all[i], unread[i] = f.membership(short, ctx, c, fresh) })
	}
	parts.Wait()
	for i, m := range all {
		switch {
		case m != nil:
			m.Instance = detail.Instance
			detail.Memberships = append(detail.Memberships, *m)
		case unread[i]:
			detail.Unread, detail.Whole = append(detail.Unread, candidates[i].Pool), false
		}
	}
	slices.SortFunc(detail.Unread, lsapi.PoolID.Compare)
	if gone && detail.Whole && len(detail.Memberships) == 0 {
		return lsapi.InstanceDetail{}, lsapi.Errorf(lsapi.CodeNotFound, "EC2 has no such instance, and it is not a member of any pool")
	}
	return detail, nil
}

// candidate is a member of a pool with an instance, or one that may be draining.
type candidate struct {
	lsapi.FoundMember
	member bool
}

// candidates returns the members with an instance, sorted.
func (f *Fleet) candidates(instanceID string, found []lsapi.FoundMember) []candidate {
	all := make([]candidate, 0, len(found))
	for _, m := range found {
		all = append(all, candidate{m, true})
	}
	for _, d := range f.o.Health.Draining(instanceID) {
		if !slices.ContainsFunc(found, func(m lsapi.FoundMember) bool { return m.Pool == d.Pool && m.ID == d.ID }) {
			all = append(all, candidate{lsapi.FoundMember{Pool: d.Pool, Member: memberWith(nil, d.ID)}, false})
		}
	}
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Or(a.Pool.Compare(b.Pool), a.ID.Compare(b.ID)) })
	return all
}

// described returns EC2's description of an instance. It is gone if EC2 certainly has no
// such instance.
func (f *Fleet) described(ctx, caller context.Context, instanceID string, found []lsapi.FoundMember) (described lsapi.Instance, gone bool) {
	for _, m := range found {
		if m.Instance.Exists() {
			return m.Instance, false
		}
	}
	instances, err := f.instances.get(ctx, instanceID)
	note(caller, f.sources.instances, err)
	_, exists := instances[instanceID]
	return memberWith(instances, lsapi.InstanceMember(instanceID)).Instance, err == nil && !exists
}

// membership returns an instance in a pool; nil if it is neither a member nor draining, or
// if it cannot be read whether it is draining.
func (f *Fleet) membership(ctx, caller context.Context, c candidate, fresh bool) (m *lsapi.InstanceMembership, unread bool) {
	pool, member := c.Pool, c.ID
	var (
		report  *lsapi.HealthReport
		failure error
		history lsapi.MemberHistory
		parts   sync.WaitGroup
	)
	parts.Go(func() {
		report, failure = f.report(ctx, caller, pool, c.Health, healthAge(listedHealthAge, fresh))
		if !c.member && failure == nil {
			report, failure = f.reportAfterDetach(ctx, caller, pool, member, report)
		}
	})
	if c.member {
		parts.Go(func() { history = f.historyOf(ctx, caller, pool, member).of(member) })
	}
	parts.Wait()
	m = &lsapi.InstanceMembership{Pool: c.Pool, AsOf: c.AsOf}
	if report != nil {
		m.HealthAsOf = report.AsOf
	}
	health := healthIn(report, member)
	if !c.member {
		if health == nil || !health.Draining {
			return nil, failure != nil && lsapi.ErrorCode(failure) != lsapi.CodeNotFound
		}
		m.AsOf = report.AsOf
		history = f.historyOf(ctx, caller, pool, member).of(member)
	}
	m.MemberDetail = newMemberDetail(c.Member, c.member, health, history)
	return m, false
}
