package health

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"lsapi"
)

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
