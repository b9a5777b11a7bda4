package snapshot

import (
	"context"
	"slices"
	"time"

	"lsapi"
)

// Reported takes a report of a pool's health. One that is whole has the members too: it
// publishes them, after a lookup of unknown instances in the background. The Observer
// receives those of this process's own polls.
func (s *Snapshot) Reported(report lsapi.HealthReport, own bool) {
	if !report.Whole || time.Since(report.AsOf) > maxPageAge { // at a start, other replicas' are of all ages
		return
	}
	ids := membersIn(report.Members)
	if own {
		s.o.Observer.Observe(report.Pool, lsapi.PoolRead{Members: ids, Incarnation: report.Incarnation}, report.AsOf)
	}
	if s.facts.missing(instancesOf(s.o.Overlay.Over(report.Pool, ids, report.AsOf))) == nil {
		s.publishReport(ids, &report)
		return
	}
	s.work.Go(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, namedTimeout)
		defer cancel()
		if s.facts.ensure(ctx, s.o.AWS, instancesOf(s.o.Overlay.Over(report.Pool, ids, report.AsOf))) == nil {
			s.publishReport(ids, &report)
		} // else the next report tries again
	})
}

// publishReport publishes a report, unless its pool has been deleted, or the overlay may no
// longer hold the changes since.
func (s *Snapshot) publishReport(ids []lsapi.MemberID, report *lsapi.HealthReport) {
	sl := (*s.slots.Load())[report.Pool]
	if sl == nil || time.Since(report.AsOf) > maxPageAge {
		return
	}
	s.publish(sl, ids, report, report.AsOf)
	s.release(report.AsOf, func(pool lsapi.PoolID) (done bool, err error) { return pool == report.Pool, nil })
}

// reportOf returns the health that came with a read; nil if none did.
func reportOf(pool lsapi.PoolID, read lsapi.PoolRead, began time.Time) *lsapi.HealthReport {
	if read.Health == nil {
		return nil
	}
	members := slices.Clone(read.Health)
	slices.SortFunc(members, func(a, b lsapi.MemberHealth) int { return a.Member.Compare(b.Member) })
	return &lsapi.HealthReport{Pool: pool, Members: members, Whole: true, Incarnation: read.Incarnation, AsOf: began}
}

// membersIn returns the members that do not drain.
func membersIn(health []lsapi.MemberHealth) []lsapi.MemberID {
	ids := make([]lsapi.MemberID, 0, len(health))
	for i := range health {
		if !health[i].Draining {
			ids = append(ids, health[i].Member)
		}
	}
	return ids
}
