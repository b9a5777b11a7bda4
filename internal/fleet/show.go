package fleet

import (
	"context"
	"sync"
	"time"

	"lsapi"
)

// LoadBalancer returns a load balancer in full. What cannot be read of it in time
// is left out. CodeNotFound: there is no such load balancer.
func (f *Fleet) LoadBalancer(ctx context.Context, name string) (lsapi.PoolDetail, error) {
	m, asOf, err := f.o.Lists.One(ctx, name, false)
	if err != nil {
		return lsapi.PoolDetail{}, err
	}
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	detail := lsapi.PoolDetail{PoolSummary: newSummary(m, asOf)}
	var (
		report *lsapi.HealthReport
		known  standings
		all    sync.WaitGroup
	)
	all.Go(func() { detail.Attributes = f.attributesOf(patient, ctx, name) })
	all.Go(func() { detail.Tags = f.tagsOf(patient, ctx, name)[name] })
	all.Go(func() { known = f.standingsOf(patient, ctx, name) })
	all.Go(func() { report, _ = f.report(patient, ctx, name) }) // without one, health is left out
	all.Wait()
	if report == nil {
		report = &lsapi.HealthReport{}
	} else {
		detail.Health, detail.HealthAsOf = countHealth(m.Members, *report), report.AsOf
	}
	detail.Instances = f.instances(patient, ctx, m, *report, known)
	return detail, nil
}

// instances returns the members, then those that are being drained.
func (f *Fleet) instances(ctx, caller context.Context, m lsapi.Membership, report lsapi.HealthReport, known standings) []lsapi.MemberDetail {
	said := make(map[string]*lsapi.MemberHealth, len(report.Members))
	for i := range report.Members {
		said[report.Members[i].InstanceID] = &report.Members[i]
	}
	all := make([]lsapi.MemberDetail, 0, len(m.Members))
	for _, member := range m.Members {
		all = append(all, newMemberDetail(member, true, said[member.ID], known.of(member.ID)))
		delete(said, member.ID)
	}
	var drained []string
	for _, h := range report.Members {
		if h.Draining && said[h.InstanceID] != nil {
			drained = append(drained, h.InstanceID)
		}
	}
	facts := f.factsOf(ctx, caller, drained...)
	for _, id := range drained {
		all = append(all, newMemberDetail(instance(facts, id), false, said[id], known.of(id)))
	}
	return all
}

// Member returns a member, or an instance that is being drained. CodeNotFound: it
// is neither, or there is no such load balancer.
func (f *Fleet) Member(ctx context.Context, name, instanceID string) (lsapi.MemberDetail, error) {
	m, _, err := f.o.Lists.One(ctx, name, false)
	if err != nil {
		return lsapi.MemberDetail{}, err
	}
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	report, err := f.report(patient, ctx, name)
	member, isMember := memberOf(m, instanceID)
	var health *lsapi.MemberHealth
	if report != nil {
		health = healthIn(*report, instanceID)
	}
	switch {
	case isMember:
	case err != nil && lsapi.ErrorCode(err) != lsapi.CodeNotFound:
		return lsapi.MemberDetail{}, err // it may be one that is being drained
	case health == nil:
		return lsapi.MemberDetail{}, errNoMember()
	default:
		member = instance(f.factsOf(patient, ctx, instanceID), instanceID)
	}
	known := f.standingsOf(patient, ctx, name, instanceID)
	return newMemberDetail(member, isMember, health, known.of(instanceID)), nil
}

// report returns what a load balancer has said of its members lately; nil and the
// error when that cannot be read in time.
func (f *Fleet) report(ctx, caller context.Context, name string) (*lsapi.HealthReport, error) {
	report, err := f.o.Health.Recent(ctx, name, shownHealthAge)
	f.note(caller, f.troubles.health, err)
	if err != nil {
		return nil, err
	}
	return &report, nil
}

// newMemberDetail puts what is known of an instance together. What is said of the
// health of one that is no member, and not that it is being drained, is older than
// its detach, and left out.
func newMemberDetail(instance lsapi.Instance, member bool, health *lsapi.MemberHealth, standing lsapi.MemberHistory) lsapi.MemberDetail {
	if !member && health != nil && !health.Draining {
		health = nil
	}
	return lsapi.MemberDetail{Instance: instance, Member: member, Health: health, History: standing}
}

// memberOf returns what EC2 says of a member; false when it is none.
func memberOf(m lsapi.Membership, instanceID string) (lsapi.Instance, bool) {
	for _, member := range m.Members {
		if member.ID == instanceID {
			return member, true
		}
	}
	return lsapi.Instance{ID: instanceID}, false
}

// healthIn returns what a report says of an instance, nil when it says nothing.
func healthIn(report lsapi.HealthReport, instanceID string) *lsapi.MemberHealth {
	if health, ok := report.Of(instanceID); ok {
		return &health
	}
	return nil
}

// instance returns what EC2 says of an instance, its id when EC2 says nothing.
func instance(facts map[string]lsapi.Instance, id string) lsapi.Instance {
	if known, ok := facts[id]; ok {
		return known
	}
	return lsapi.Instance{ID: id}
}

func errStopping() error { return lsapi.Errorf(lsapi.CodeUnavailable, "the service is stopping") }

func errNoMember() error {
	return lsapi.Errorf(lsapi.CodeNotFound, "the instance is no member of the load balancer")
}

// isDead reports whether an instance will never run again.
func isDead(i lsapi.Instance) bool { return i.State == "terminated" || i.State == "shutting-down" }

// over waits, and reports whether ctx has ended meanwhile.
func over(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return false
	case <-ctx.Done():
		return true
	}
}
