package fleet

import (
	"context"
	"sync"
	"time"

	"lsapi"
)

// Pool returns a pool in full, without what cannot be read in time. If fresh is set, its
// members and their health are read after the call. CodeNotFound: there is no such pool.
func (f *Fleet) Pool(ctx context.Context, pool lsapi.PoolID, fresh bool) (lsapi.PoolDetail, error) {
	m, err := f.o.Lists.One(ctx, pool, fresh)
	if err != nil {
		return lsapi.PoolDetail{}, err
	}
	short, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	detail := lsapi.PoolDetail{PoolSummary: newSummary(m)}
	var (
		report  *lsapi.HealthReport
		history history
		parts   sync.WaitGroup
	)
	parts.Go(func() { detail.Attributes = f.attributesOf(short, ctx, pool) })
	parts.Go(func() { detail.Routes = f.routesOf(short, ctx, pool) })
	parts.Go(func() { detail.Tags = f.tagsOf(short, ctx, pool)[pool] })
	parts.Go(func() { history = f.historyOf(short, ctx, pool, lsapi.MemberID{}) })
	parts.Go(func() { report, _ = f.report(short, ctx, pool, m.Health, healthAge(shownHealthAge, fresh)) })
	parts.Wait()
	if report == nil {
		report = &lsapi.HealthReport{}
	} else {
		detail.Health, detail.HealthAsOf = countHealth(m.Members, report), report.AsOf
	}
	detail.Members = f.memberDetails(short, ctx, m, *report, history)
	return detail, nil
}

// memberDetails returns the members, then those that drain.
func (f *Fleet) memberDetails(ctx, caller context.Context, m lsapi.Membership, report lsapi.HealthReport, history history) []lsapi.MemberDetail {
	health := make(map[lsapi.MemberID]*lsapi.MemberHealth, len(report.Members))
	for i := range report.Members {
		health[report.Members[i].Member] = &report.Members[i]
	}
	all := make([]lsapi.MemberDetail, 0, len(m.Members))
	for _, member := range m.Members {
		all = append(all, newMemberDetail(member, true, health[member.ID], history.of(member.ID)))
		delete(health, member.ID)
	}
	var draining []lsapi.MemberID
	for _, h := range report.Members {
		if h.Draining && health[h.Member] != nil {
			draining = append(draining, h.Member)
		}
	}
	instances := f.instancesOf(ctx, caller, draining...)
	for _, id := range draining {
		all = append(all, newMemberDetail(memberWith(instances, id), false, health[id], history.of(id)))
	}
	return all
}

// Members returns the members of a pool, and when their read began. If fresh is set,
// that is after the call. CodeNotFound: there is no such pool.
func (f *Fleet) Members(ctx context.Context, pool lsapi.PoolID, fresh bool) ([]lsapi.Member, time.Time, error) {
	m, err := f.o.Lists.One(ctx, pool, fresh)
	return m.Members, m.AsOf, err
}

// Member returns a member, or one that drains. If fresh is set, it is read after the call.
// CodeNotFound: it is neither, or there is no such pool.
func (f *Fleet) Member(ctx context.Context, pool lsapi.PoolID, member lsapi.MemberID, fresh bool) (lsapi.MemberDetail, error) {
	m, err := f.o.Lists.One(ctx, pool, fresh)
	if err != nil {
		return lsapi.MemberDetail{}, err
	}
	if member, err = memberIn(m, member); err != nil {
		return lsapi.MemberDetail{}, err
	}
	short, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	report, err := f.report(short, ctx, pool, m.Health, healthAge(shownHealthAge, fresh))
	found, isMember := memberOf(m, member)
	if !isMember && err == nil {
		report, err = f.reportAfterDetach(short, ctx, pool, member, report)
	}
	health := healthIn(report, member)
	switch {
	case isMember:
	case err != nil && lsapi.ErrorCode(err) != lsapi.CodeNotFound:
		return lsapi.MemberDetail{}, err // it may be draining
	case health == nil:
		return lsapi.MemberDetail{}, errNotMember()
	default:
		found = memberWith(f.instancesOf(short, ctx, member), member)
	}
	return newMemberDetail(found, isMember, health, f.historyOf(short, ctx, pool, member).of(member)), nil
}
