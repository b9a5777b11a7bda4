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
// lookups of instances that another replica's report lacks.
func (b *balancer) step() {
	p := b.poller
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-p.base.Done():
		return
	}
	next := b.plan()
	switch {
	case !next.due:
	case len(next.unreported) > 0:
		b.complete(p.base, next.report, next.unreported)
	case b.claim(p.base, next.every):
		b.poll(p.base, next.aws)
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

func (b *balancer) plan() plan {
	p := b.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	at, every, wanted := b.due(now)
	next := plan{due: b.gone == nil && wanted && !at.After(now), every: every, aws: p.o.Background, report: b.report, unreported: b.unreported(now)}
	if b.isFollowed() || len(b.queries) > 0 {
		next.aws = p.o.AWS
	}
	return next
}

// poll fetches a report and publishes it.
func (b *balancer) poll(ctx context.Context, aws AWS) {
	p := b.poller
	began := b.begin()
	report, err := b.fetch(ctx, aws, began)
	if p.base.Err() != nil {
		return
	}
	b.settle(err)
	if report.AsOf.IsZero() {
		return
	}
	b.adopt(report, false)
	p.publish(ctx, report)
}

// begin marks the begin of a poll.
func (b *balancer) begin() time.Time {
	p := b.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	b.began = time.Now()
	p.stats.Polls++
	return b.began
}

// fetch makes the requests of a poll. If only lookups of instances fail, it returns the
// error and a report without these instances.
func (b *balancer) fetch(ctx context.Context, aws AWS, began time.Time) (lsapi.HealthReport, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	var known map[lsapi.MemberID]lsapi.MemberHealth
	var look sync.WaitGroup
	if !b.latest().Whole { // whole reports need no lookups
		look.Go(func() { known = b.recorded(ctx) })
	}
	read, whole, err := aws.Health(ctx, b.pool)
	look.Wait()
	if err != nil {
		return lsapi.HealthReport{}, err
	}
	report := newReport(b.pool, read, whole, began)
	if whole {
		return report, nil
	}
	for _, ids := range b.lookups(read.Health, known, began) {
		others, failure := aws.HealthOf(ctx, b.pool, ids)
		if failure == nil {
			report = answered(report, ids, others)
		} else if err = failure; lsapi.ErrorCode(err) == lsapi.CodeNotFound {
			return lsapi.HealthReport{}, err
		}
	}
	report.Absent = b.withKnownAbsent(report, known, began)
	slices.SortFunc(report.Members, byID)
	return report, err
}

// newReport returns a report with its members sorted.
func newReport(pool lsapi.PoolID, read lsapi.PoolRead, whole bool, began time.Time) lsapi.HealthReport {
	slices.SortFunc(read.Health, byID)
	return lsapi.HealthReport{Pool: pool, Members: read.Health, AsOf: began, Whole: whole, Incarnation: read.Incarnation}
}

// latest returns the latest report.
func (b *balancer) latest() lsapi.HealthReport {
	b.poller.mu.Lock()
	defer b.poller.mu.Unlock()
	return b.report
}

// recorded returns the recorded health, or nothing if the record cannot be read.
func (b *balancer) recorded(ctx context.Context) map[lsapi.MemberID]lsapi.MemberHealth {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	known, err := b.poller.o.Record.Health(ctx, b.pool)
	if err != nil {
		return nil
	}
	return known
}

// lookups returns the ids of instances that may be draining and are not among the
// members. Each element is one request.
func (b *balancer) lookups(members []lsapi.MemberHealth, known map[lsapi.MemberID]lsapi.MemberHealth, began time.Time) [][]lsapi.MemberID {
	p := b.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	ids := make(map[lsapi.MemberID]bool)
	for id := range known {
		if began.Sub(b.absent[id]) > absentLifetime {
			ids[id] = true
		}
	}
	for _, m := range b.report.Members {
		ids[m.Member] = true
	}
	for id := range p.drains.of(b.pool, began) {
		ids[id] = true
	}
	for _, m := range members {
		delete(ids, m.Member)
		delete(b.absent, m.Member)
	}
	for id := range ids { // if the request fails, the next poll looks them up
		p.drains.add(b.pool, id, began)
		delete(b.absent, id)
	}
	var lookups [][]lsapi.MemberID
	if len(ids) > 0 {
		lookups = append(lookups, slices.SortedFunc(maps.Keys(ids), lsapi.MemberID.Compare))
	}
	for _, m := range members {
		ids[m.Member] = true
	}
	for _, id := range b.unknownInstances(ids, began) {
		lookups = append(lookups, []lsapi.MemberID{id})
	}
	b.recount(1 + len(lookups))
	return lookups
}

// unknownInstances returns up to maxUnknown instances of drain followers that are not
// among the known, in the followers' order. An id that does not exist fails the whole
// request, so each of them takes a request of its own. The caller holds mu.
func (b *balancer) unknownInstances(known map[lsapi.MemberID]bool, now time.Time) []lsapi.MemberID {
	waiting := slices.SortedFunc(maps.Keys(b.drainers), func(f, g *Follower) int { return f.made.Compare(g.made) })
	var ids []lsapi.MemberID
	for _, f := range waiting {
		if len(ids) == maxUnknown {
			break
		}
		if id := f.member; !known[id] && !f.from.After(now) && now.Sub(b.absent[id]) > absentLifetime && !slices.Contains(ids, id) {
			ids = append(ids, id)
			delete(b.absent, id)
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

// withKnownAbsent returns the absent instances of a report and those of recent reports.
// It removes the expired ones that are not on record.
func (b *balancer) withKnownAbsent(report lsapi.HealthReport, known map[lsapi.MemberID]lsapi.MemberHealth, began time.Time) []lsapi.MemberID {
	b.poller.mu.Lock()
	defer b.poller.mu.Unlock()
	absent := slices.Clone(report.Absent)
	for id, since := range b.absent {
		if _, ok := known[id]; !ok && began.Sub(since) > absentLifetime {
			delete(b.absent, id)
			continue
		}
		absent = append(absent, id)
	}
	slices.SortFunc(absent, lsapi.MemberID.Compare)
	return slices.Compact(absent)
}

// complete looks up instances that another replica's report lacks: that replica may
// not have had their followers.
func (b *balancer) complete(ctx context.Context, report lsapi.HealthReport, ids []lsapi.MemberID) {
	b.poller.mu.Lock()
	b.completed = report.AsOf
	b.poller.mu.Unlock()
	asking, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	for _, id := range ids {
		others, err := b.poller.o.AWS.HealthOf(asking, b.pool, []lsapi.MemberID{id})
		if b.poller.base.Err() != nil {
			return
		}
		b.settle(err)
		if err != nil {
			return
		}
		report = answered(report, []lsapi.MemberID{id}, others)
	}
	b.adopt(report, true)
	b.poller.o.Observer.ObserveHealth(report)
}

// unreported returns instances of drain followers that another replica's report lacks.
// They are looked up once per report. The caller holds mu.
func (b *balancer) unreported(now time.Time) []lsapi.MemberID {
	if !b.foreign || b.completed.Equal(b.report.AsOf) {
		return nil
	}
	known := make(map[lsapi.MemberID]bool)
	for f := range b.drainers {
		known[f.member] = true
	}
	for f := range b.drainers { // an earlier report cannot contain the follower's instance
		if !b.report.AsOf.Before(f.made) && !covers(&b.report, f.member) {
			delete(known, f.member)
		}
	}
	return b.unknownInstances(known, now)
}

// adopt makes a report the latest, unless a later one exists.
func (b *balancer) adopt(report lsapi.HealthReport, foreign bool) {
	p := b.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	if b.gone != nil || report.AsOf.Before(b.report.AsOf) {
		return
	}
	if foreign {
		report = b.addAbsent(report)
		signal(b.woken) // the report may lack a follower's instance
	}
	b.report, b.foreign = report, foreign
	b.began = later(b.began, report.AsOf)
	for _, m := range report.Members {
		delete(b.absent, m.Member)
	}
	if foreign { // for own reports, withKnownAbsent has removed them
		maps.DeleteFunc(b.absent, func(_ lsapi.MemberID, since time.Time) bool { return report.AsOf.Sub(since) > absentLifetime })
	}
	for _, id := range report.Absent {
		if b.absent[id].IsZero() {
			b.absent[id] = report.AsOf
		}
	}
	p.drains.note(&report)
	b.notify()
}

// addAbsent adds the recently absent instances of drain followers to another replica's
// report. The caller holds mu.
func (b *balancer) addAbsent(report lsapi.HealthReport) lsapi.HealthReport {
	absent := slices.Clone(report.Absent)
	for f := range b.drainers {
		if report.AsOf.Sub(b.absent[f.member]) <= absentLifetime && !covers(&report, f.member) {
			absent = append(absent, f.member)
		}
	}
	slices.SortFunc(absent, lsapi.MemberID.Compare)
	report.Absent = slices.Compact(absent)
	return report
}

// settle counts the result of a poll and sets the time of the next try. It ends the
// polls of a load balancer that does not exist.
func (b *balancer) settle(err error) {
	p := b.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	failed := b.failures > 0
	switch {
	case err == nil:
		b.failures, b.retryAt, b.failure = 0, time.Time{}, nil
		if failed {
			p.o.Log.Info("the health of a load balancer can be read again", "pool", b.pool)
		}
		return
	case lsapi.ErrorCode(err) == lsapi.CodeNotFound:
		p.drains.forget(b.pool)
		b.end(err)
		return
	}
	p.stats.Failures++
	follow, _ := p.pace()
	pause := max(min(follow<<min(b.failures, 8), maxBackOff), follow, lsapi.AsError(err).RetryAfter)
	b.failures++
	b.failure, b.failedAt = err, time.Now()
	b.retryAt = b.failedAt.Add(pause)
	b.notify()
	if !failed {
		p.o.Log.Warn("the health of a load balancer cannot be read; trying again", "pool", b.pool, "code", lsapi.ErrorCode(err), "error", err)
	}
}

// covers reports whether a report contains a member, as present or absent.
func covers(report *lsapi.HealthReport, member lsapi.MemberID) bool {
	_, ok := report.Of(member)
	return ok || report.IsAbsent(member)
}

func byID(a, b lsapi.MemberHealth) int { return a.Member.Compare(b.Member) }
