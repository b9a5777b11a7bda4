package health

import (
	"maps"
	"slices"
	"time"

	"lsapi"
)

// newReport returns a report with its members sorted.
func newReport(pool lsapi.PoolID, read lsapi.PoolRead, whole bool, began time.Time) lsapi.HealthReport {
	slices.SortFunc(read.Health, byID)
	return lsapi.HealthReport{Pool: pool, Members: read.Health, AsOf: began, Whole: whole, Incarnation: read.Incarnation}
}

// unknownMembers returns up to maxUnknown members of drain followers that are not among the
// known, in the followers' order. An id that does not exist fails the whole request, so each
// of them takes a request of its own. The caller holds mu.
func (l *loop) unknownMembers(known map[lsapi.MemberID]bool, now time.Time) []lsapi.MemberID {
	waiting := slices.SortedFunc(maps.Keys(l.drainers), func(f, g *Follower) int { return f.made.Compare(g.made) })
	var ids []lsapi.MemberID
	for _, f := range waiting {
		if len(ids) == maxUnknown {
			break
		}
		if id := f.member; !known[id] && !f.from.After(now) && now.Sub(l.absent[id]) > absentLifetime && !slices.Contains(ids, id) {
			ids = append(ids, id)
			delete(l.absent, id)
		}
	}
	return ids
}

// answered adds the result of a lookup to a report.
func answered(report lsapi.HealthReport, ids []lsapi.MemberID, others []lsapi.MemberHealth) lsapi.HealthReport {
	report.Members = slices.Concat(report.Members, others)
	slices.SortFunc(report.Members, byID)
	absent := slices.Clone(report.Absent)
	for _, id := range ids {
		if _, ok := report.Of(id); !ok {
			absent = append(absent, id)
		}
	}
	slices.SortFunc(absent, lsapi.MemberID.Compare)
	report.Absent = slices.Compact(absent)
	return report
}

// withKnownAbsent returns the absent members of a report and those of recent reports.
// It removes the expired ones that are not on record.
func (l *loop) withKnownAbsent(report lsapi.HealthReport, known map[lsapi.MemberID]lsapi.MemberHealth, began time.Time) []lsapi.MemberID {
	l.poller.mu.Lock()
	defer l.poller.mu.Unlock()
	absent := slices.Clone(report.Absent)
	for id, since := range l.absent {
		if _, ok := known[id]; !ok && began.Sub(since) > absentLifetime {
			delete(l.absent, id)
			continue
		}
		absent = append(absent, id)
	}
	slices.SortFunc(absent, lsapi.MemberID.Compare)
	return slices.Compact(absent)
}

// unreported returns members of drain followers that another replica's report lacks.
// They are looked up once per report. The caller holds mu.
func (l *loop) unreported(now time.Time) []lsapi.MemberID {
	if !l.foreign || l.completed.Equal(l.report.AsOf) {
		return nil
	}
	known := make(map[lsapi.MemberID]bool)
	for f := range l.drainers {
		known[f.member] = true
	}
	for f := range l.drainers { // an earlier report cannot contain the follower's member
		if !l.report.AsOf.Before(f.made) && !covers(&l.report, f.member) {
			delete(known, f.member)
		}
	}
	return l.unknownMembers(known, now)
}

// adopt makes a report the latest, unless a later one exists.
func (l *loop) adopt(report lsapi.HealthReport, foreign bool) {
	p := l.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.gone != nil || report.AsOf.Before(l.report.AsOf) {
		return
	}
	if foreign {
		report = l.addAbsent(report)
		signal(l.woken) // the report may lack a follower's member
	}
	l.report, l.foreign = report, foreign
	l.began = later(l.began, report.AsOf)
	for _, m := range report.Members {
		delete(l.absent, m.Member)
	}
	if foreign { // for own reports, withKnownAbsent has removed them
		maps.DeleteFunc(l.absent, func(_ lsapi.MemberID, since time.Time) bool { return report.AsOf.Sub(since) > absentLifetime })
	}
	for _, id := range report.Absent {
		if l.absent[id].IsZero() {
			l.absent[id] = report.AsOf
		}
	}
	p.drains.note(&report)
	l.notify()
}

// addAbsent adds the recently absent members of drain followers to another replica's
// report. The caller holds mu.
func (l *loop) addAbsent(report lsapi.HealthReport) lsapi.HealthReport {
	absent := slices.Clone(report.Absent)
	for f := range l.drainers {
		if report.AsOf.Sub(l.absent[f.member]) <= absentLifetime && !covers(&report, f.member) {
			absent = append(absent, f.member)
		}
	}
	slices.SortFunc(absent, lsapi.MemberID.Compare)
	report.Absent = slices.Compact(absent)
	return report
}

// covers reports whether a report contains a member, as present or absent.
func covers(report *lsapi.HealthReport, member lsapi.MemberID) bool {
	_, ok := report.Of(member)
	return ok || report.IsAbsent(member)
}

func byID(a, b lsapi.MemberHealth) int { return a.Member.Compare(b.Member) }
