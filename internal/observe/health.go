package observe

import (
	"context"
	"maps"
	"slices"
	"time"

	"lsapi"
)

const (
	// maxComparisons bounds the load balancers whose health is compared at once. Each
	// takes up to 200 KB. The next report repeats what is dropped.
	maxComparisons = 100

	// maxStale bounds the load balancers in stale. One more costs reads of the record.
	maxStale = 1000

	// staleLifetime is the time during which an absent member is believed to be a member.
	// AWS lists a terminated instance for a while, and a member that another tool detaches
	// is one until a listing shows it.
	staleLifetime = 10 * time.Second
)

// staleMembers are members that their load balancer does not report any more.
type staleMembers struct {
	ids   map[string]bool
	until time.Time
}

// ObserveHealth takes a report. It is compared with the record beside the lane, which
// gets it only if it differs. While an earlier report is compared, only the latest is
// kept. The report must not be changed afterwards.
func (i *Inbox) ObserveHealth(report lsapi.HealthReport) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.isOpen() {
		return
	}
	next, comparing := i.reports[report.LoadBalancer]
	switch {
	case comparing && (next == nil || report.AsOf.After(next.AsOf)):
		i.reports[report.LoadBalancer] = &report
	case !comparing && len(i.reports) < maxComparisons:
		i.reports[report.LoadBalancer] = nil
		i.work.Go(func(ctx context.Context) { i.compare(ctx, report) })
	}
}

// compare compares a report, and those that arrive meanwhile, with the record.
func (i *Inbox) compare(ctx context.Context, report lsapi.HealthReport) {
	for next := &report; next != nil; next = i.nextReport(report.LoadBalancer) {
		reading, cancel := context.WithTimeout(ctx, recordTimeout)
		known, err := i.record.Health(reading, next.LoadBalancer)
		cancel()
		if err != nil {
			i.UnrecordedHealth(next.LoadBalancer, err)
		} else if i.differs(next, known) {
			i.put(next.LoadBalancer, func(p *Pending) bool {
				if p.Health == nil || next.AsOf.After(p.Health.AsOf) {
					p.Health = next
				}
				return true
			})
		}
	}
}

func (i *Inbox) nextReport(loadBalancer string) *lsapi.HealthReport {
	i.mu.Lock()
	defer i.mu.Unlock()
	next := i.reports[loadBalancer]
	if next == nil || i.closed {
		delete(i.reports, loadBalancer)
		return nil
	}
	i.reports[loadBalancer] = nil
	return next
}

// UnrecordedHealth logs that health could not be recorded, unless the record is
// unavailable: readiness reports that.
func (i *Inbox) UnrecordedHealth(loadBalancer string, err error) {
	i.BackOff(err)
	if !lsapi.IsTransient(err) {
		i.log.Warn("the health of members could not be recorded", "load_balancer", loadBalancer, "error", err)
	}
}

// differs reports whether a lane must look at the report.
func (i *Inbox) differs(report *lsapi.HealthReport, known map[string]lsapi.MemberHealth) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return false
	}
	stale := i.stale[report.LoadBalancer]
	if time.Now().After(stale.until) {
		delete(i.stale, report.LoadBalancer)
		stale.ids = nil
	}
	isNew := func(id string) bool { return !stale.ids[id] }
	return len(ChangedHealth(report, known)) > 0 || slices.ContainsFunc(Unreported(report, known), isNew)
}

// KeepStale takes from a lane the absent instances that still are members, so that
// reports without them do not reach the lane for a while.
func (i *Inbox) KeepStale(loadBalancer string, ids map[string]bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.stale, loadBalancer)
	if len(ids) > 0 && len(i.stale) < maxStale {
		i.stale[loadBalancer] = staleMembers{ids: ids, until: time.Now().Add(staleLifetime)}
	}
}

// ChangedHealth returns the health in a report that differs from what is known, sorted by
// instance.
func ChangedHealth(report *lsapi.HealthReport, known map[string]lsapi.MemberHealth) []lsapi.MemberHealth {
	changed := make(map[string]lsapi.MemberHealth)
	for _, m := range report.Members {
		if known[m.InstanceID] != m {
			changed[m.InstanceID] = m
		}
	}
	var health []lsapi.MemberHealth
	for _, id := range slices.Sorted(maps.Keys(changed)) {
		health = append(health, changed[id])
	}
	return health
}

// Unreported returns the known instances that the report lists as absent, sorted.
func Unreported(report *lsapi.HealthReport, known map[string]lsapi.MemberHealth) []string {
	return slices.DeleteFunc(slices.Sorted(slices.Values(report.Absent)), func(id string) bool {
		_, ok := known[id]
		return !ok
	})
}
