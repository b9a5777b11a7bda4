package health

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"lsapi"
)

// step does the work that is due: a poll, unless another replica has claimed it, or
// lookups of members that another replica's report lacks.
func (l *loop) step() {
	p := l.poller
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-p.base.Done():
		return
	}
	next := l.plan()
	switch {
	case !next.due:
	case len(next.unreported) > 0:
		l.complete(p.base, next.report, next.unreported)
	case l.claim(p.base, next.every):
		l.poll(p.base, next.aws)
	}
}

// plan is the work of a step.
type plan struct {
	due        bool
	every      time.Duration
	aws        AWS
	report     lsapi.HealthReport // of another replica, which lacks unreported
	unreported []lsapi.MemberID
}

func (l *loop) plan() plan {
	p := l.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	at, every, wanted := l.due(now)
	next := plan{due: l.gone == nil && wanted && !at.After(now), every: every, aws: p.o.Background, report: l.report, unreported: l.unreported(now)}
	if l.isFollowed() || len(l.queries) > 0 {
		next.aws = p.o.AWS
	}
	return next
}

// poll fetches a report and publishes it.
func (l *loop) poll(ctx context.Context, aws AWS) {
	p := l.poller
	began := l.begin()
	report, err := l.fetch(ctx, aws, began)
	if p.base.Err() != nil {
		return
	}
	l.settle(err)
	if report.AsOf.IsZero() {
		return
	}
	l.adopt(report, false)
	p.publish(ctx, report)
}

// begin marks the begin of a poll.
func (l *loop) begin() time.Time {
	p := l.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	l.began = time.Now()
	p.stats.Polls++
	return l.began
}

// fetch makes the requests of a poll. If only lookups fail, it returns the error and a
// report without their members.
func (l *loop) fetch(ctx context.Context, aws AWS, began time.Time) (lsapi.HealthReport, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	var known map[lsapi.MemberID]lsapi.MemberHealth
	var look sync.WaitGroup
	if !l.latest().Whole { // whole reports need no lookups
		look.Go(func() { known = l.recorded(ctx) })
	}
	read, whole, err := aws.Health(ctx, l.pool)
	look.Wait()
	if err != nil {
		return lsapi.HealthReport{}, err
	}
	report := newReport(l.pool, read, whole, began)
	if whole {
		return report, nil
	}
	for _, ids := range l.lookups(read.Health, known, began) {
		others, failure := aws.HealthOf(ctx, l.pool, ids)
		if failure == nil {
			report = answered(report, ids, others)
		} else if err = failure; lsapi.ErrorCode(err) == lsapi.CodeNotFound {
			return lsapi.HealthReport{}, err
		}
	}
	report.Absent = l.withKnownAbsent(report, known, began)
	slices.SortFunc(report.Members, byID)
	return report, err
}

// newReport returns a report with its members sorted.
func newReport(pool lsapi.PoolID, read lsapi.PoolRead, whole bool, began time.Time) lsapi.HealthReport {
	slices.SortFunc(read.Health, byID)
	return lsapi.HealthReport{Pool: pool, Members: read.Health, AsOf: began, Whole: whole, Incarnation: read.Incarnation}
}

// latest returns the latest report.
func (l *loop) latest() lsapi.HealthReport {
	l.poller.mu.Lock()
	defer l.poller.mu.Unlock()
	return l.report
}

// recorded returns the recorded health, or nothing if the record cannot be read.
func (l *loop) recorded(ctx context.Context) map[lsapi.MemberID]lsapi.MemberHealth {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	known, err := l.poller.o.Record.Health(ctx, l.pool)
	if err != nil {
		return nil
	}
	return known
}

// lookups returns the ids that may be draining and are not among the members. Each element
// is one request.
func (l *loop) lookups(members []lsapi.MemberHealth, known map[lsapi.MemberID]lsapi.MemberHealth, began time.Time) [][]lsapi.MemberID {
	p := l.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	ids := make(map[lsapi.MemberID]bool)
	for id := range known {
		if began.Sub(l.absent[id]) > absentLifetime {
			ids[id] = true
		}
	}
	for _, m := range l.report.Members {
		ids[m.Member] = true
	}
	for id := range p.drains.of(l.pool, began) {
		ids[id] = true
	}
	for _, m := range members {
		delete(ids, m.Member)
		delete(l.absent, m.Member)
	}
	for id := range ids { // if the request fails, the next poll looks them up
		p.drains.add(l.pool, id, began)
		delete(l.absent, id)
	}
	var lookups [][]lsapi.MemberID
	if len(ids) > 0 {
		lookups = append(lookups, slices.SortedFunc(maps.Keys(ids), lsapi.MemberID.Compare))
	}
	for _, m := range members {
		ids[m.Member] = true
	}
	for _, id := range l.unknownMembers(ids, began) {
		lookups = append(lookups, []lsapi.MemberID{id})
	}
	l.recount(1 + len(lookups))
	return lookups
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

// complete looks up members that another replica's report lacks: that replica may not have
// had their followers.
func (l *loop) complete(ctx context.Context, report lsapi.HealthReport, ids []lsapi.MemberID) {
	l.poller.mu.Lock()
	l.completed = report.AsOf
	l.poller.mu.Unlock()
	asking, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	for _, id := range ids {
		others, err := l.poller.o.AWS.HealthOf(asking, l.pool, []lsapi.MemberID{id})
		if l.poller.base.Err() != nil {
			return
		}
		l.settle(err)
		if err != nil {
			return
		}
		report = answered(report, []lsapi.MemberID{id}, others)
	}
	l.adopt(report, true)
	l.poller.o.Observer.ObserveHealth(report)
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

// settle counts the result of a poll and sets the time of the next try. It ends the
// polls of a pool that does not exist.
func (l *loop) settle(err error) {
	p := l.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	failed := l.failures > 0
	switch {
	case err == nil:
		l.failures, l.retryAt, l.failure = 0, time.Time{}, nil
		if failed {
			p.o.Log.Info("the health of a pool can be read again", "pool", l.pool)
		}
		return
	case lsapi.ErrorCode(err) == lsapi.CodeNotFound:
		p.drains.forget(l.pool)
		l.end(err)
		return
	}
	p.stats.Failures++
	follow, _ := p.pace()
	pause := max(min(follow<<min(l.failures, 8), maxBackOff), follow, lsapi.AsError(err).RetryAfter)
	l.failures++
	l.failure, l.failedAt = err, time.Now()
	l.retryAt = l.failedAt.Add(pause)
	l.notify()
	if !failed {
		p.o.Log.Warn("the health of a pool cannot be read; trying again", "pool", l.pool, "code", lsapi.ErrorCode(err), "error", err)
	}
}

// covers reports whether a report contains a member, as present or absent.
func covers(report *lsapi.HealthReport, member lsapi.MemberID) bool {
	_, ok := report.Of(member)
	return ok || report.IsAbsent(member)
}

func byID(a, b lsapi.MemberHealth) int { return a.Member.Compare(b.Member) }
