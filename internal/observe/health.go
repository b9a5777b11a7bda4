package observe

import (
	"context"
	"maps"
	"slices"
	"time"

	"lsapi"
)

const (
	// maxComparisons bounds the pools whose health is compared at once. Each takes up
	// to 200 KB. The next report repeats what is dropped.
	maxComparisons = 100

	// maxStale bounds the pools in stale. One more costs reads of the record.
	maxStale = 1000

	// staleLifetime is the time during which an absent member is believed to be a member.
	// AWS lists a terminated instance for a while, and a member that another tool detaches
	// is one until a listing shows it.
	staleLifetime = 10 * time.Second
)

// ObserveHealth takes a report. It is compared with the record beside the lane, which
// gets it only if it differs. While an earlier report is compared, only the latest is
// kept. The report must not be changed afterwards.
func (i *Inbox) ObserveHealth(report lsapi.HealthReport) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.isOpen() {
		return
	}
	next, comparing := i.reports[report.Pool]
	switch {
	case comparing && (next == nil || report.AsOf.After(next.AsOf)):
		i.reports[report.Pool] = &report
	case !comparing && len(i.reports) < maxComparisons:
		i.reports[report.Pool] = nil
		i.work.Go(func(ctx context.Context) { i.compare(ctx, report) })
	}
}

// compare compares a report, and those that arrive meanwhile, with the record.
func (i *Inbox) compare(ctx context.Context, report lsapi.HealthReport) {
	for next := &report; next != nil; next = i.nextReport(report.Pool) {
		reading, cancel := context.WithTimeout(ctx, recordTimeout)
		known, err := i.record.Health(reading, next.Pool)
		cancel()
		if err != nil {
			i.UnrecordedHealth(next.Pool, err)
		} else if i.differs(next, known) {
			i.put(next.Pool, func(p *Pending) bool {
				if p.Health == nil || next.AsOf.After(p.Health.AsOf) {
					p.Health = next
				}
				return true
			})
		}
	}
}

func (i *Inbox) nextReport(pool lsapi.PoolID) *lsapi.HealthReport {
	i.mu.Lock()
	defer i.mu.Unlock()
	next := i.reports[pool]
	if next == nil || i.closed {
		delete(i.reports, pool)
		return nil
	}
	i.reports[pool] = nil
	return next
}

// UnrecordedHealth logs that health could not be recorded, unless the record is
// unavailable: readiness reports that.
func (i *Inbox) UnrecordedHealth(pool lsapi.PoolID, err error) {
	i.BackOff(err)
	if !lsapi.IsTransient(err) {
		i.log.Warn("the health of members could not be recorded", "pool", pool, "error", err)
	}
}

// differs reports whether a lane must look at the report.
func (i *Inbox) differs(report *lsapi.HealthReport, known map[lsapi.MemberID]lsapi.MemberHealth) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return false
	}
	stale := i.stale[report.Pool]
	if time.Now().After(stale.until) {
		delete(i.stale, report.Pool)
		stale.ids = nil
	}
	isNew := func(id lsapi.MemberID) bool { return !stale.ids[id] }
	return len(ChangedHealth(report, known)) > 0 || slices.ContainsFunc(Unreported(report, known), isNew)
}

// KeepStale takes from a lane the absent instances that still are members, so that
// reports without them do not reach the lane for a while.
func (i *Inbox) KeepStale(pool lsapi.PoolID, ids map[lsapi.MemberID]bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.stale, pool)
	if len(ids) > 0 && len(i.stale) < maxStale {
		i.stale[pool] = staleMembers{ids: ids, until: time.Now().Add(staleLifetime)}
	}
}

// ChangedHealth returns the health in a report that differs from what is known, sorted by
// instance.
func ChangedHealth(report *lsapi.HealthReport, known map[lsapi.MemberID]lsapi.MemberHealth) []lsapi.MemberHealth {
	changed := make(map[lsapi.MemberID]lsapi.MemberHealth)
	for _, m := range report.Members {
		if known[m.Member] != m {
			changed[m.Member] = m
		}
	}
	var health []lsapi.MemberHealth
	for _, id := range slices.SortedFunc(maps.Keys(changed), lsapi.MemberID.Compare) {
		health = append(health, changed[id])
	}
	return health
}

// Unreported returns the known members that are absent by the report, sorted.
func Unreported(report *lsapi.HealthReport, known map[lsapi.MemberID]lsapi.MemberHealth) []lsapi.MemberID {
	return slices.DeleteFunc(slices.SortedFunc(maps.Keys(known), lsapi.MemberID.Compare), func(id lsapi.MemberID) bool {
		return !report.IsAbsent(id)
	})
}
