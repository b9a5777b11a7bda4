package health

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"lsapi"
)

// step does what is due: it polls, if no other process does, or asks about
// instances of which another process's report does not speak.
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
	case len(next.unheard) > 0:
		b.complete(p.base, next.report, next.unheard)
	case b.claim(p.base, next.every):
		b.poll(p.base, next.aws)
	}
}

// plan is what a step is to do.
type plan struct {
	due     bool // else others have done it, or nobody wants it any more
	every   time.Duration
	aws     AWS
	report  lsapi.HealthReport // to be completed by
	unheard []string
}

func (b *balancer) plan() plan {
	p := b.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	at, every, wanted := b.due(now)
	next := plan{due: b.gone == nil && wanted && !at.After(now), every: every, aws: p.o.Background, report: b.report, unheard: b.unheard(now)}
	if b.isFollowed() || len(b.asks) > 0 {
		next.aws = p.o.AWS
	}
	return next
}

// poll asks for a report and gives it to all.
func (b *balancer) poll(ctx context.Context, aws AWS) {
	p := b.poller
	began := b.begin()
	report, err := b.ask(ctx, aws, began)
	if p.base.Err() != nil {
		return
	}
	b.note(err)
	if report.AsOf.IsZero() {
		return
	}
	b.adopt(report, false)
	p.o.Saw(report)
	p.publish(ctx, report)
}

// begin notes that a poll begins.
func (b *balancer) begin() time.Time {
	p := b.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	b.began = time.Now()
	p.stats.Polls++
	return b.began
}

// ask makes the requests of a poll. If only those about instances that may be
// drained fail, there is a report beside the error, which tells nothing of them.
func (b *balancer) ask(ctx context.Context, aws AWS, began time.Time) (lsapi.HealthReport, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	var known map[string]lsapi.MemberHealth
	var look sync.WaitGroup
	look.Go(func() { known = b.recorded(ctx) })
	members, err := aws.Health(ctx, b.name)
	look.Wait()
	if err != nil {
		return lsapi.HealthReport{}, err
	}
	report := lsapi.HealthReport{LoadBalancer: b.name, Members: members, AsOf: began}
	for _, ids := range b.questions(members, known, began) {
		others, failure := aws.HealthOf(ctx, b.name, ids)
		if failure == nil {
			report = answered(report, ids, others)
		} else if err = failure; lsapi.ErrorCode(err) == lsapi.CodeNotFound {
			return lsapi.HealthReport{}, err
		}
	}
	report.Absent = b.stillSilent(report, known, began)
	slices.SortFunc(report.Members, byID)
	return report, err
}

// recorded is what is on record of the load balancer; nothing when that cannot be
// read: then it is not asked about those of whom only the record knows.
func (b *balancer) recorded(ctx context.Context) map[string]lsapi.MemberHealth {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	known, err := b.poller.o.Recorded(ctx, b.name)
	if err != nil {
		return nil
	}
	return known
}

// questions returns the instances that must be asked about by their ids: those that
// may be drained, of which Health has said nothing. Each element is one question.
func (b *balancer) questions(members []lsapi.MemberHealth, known map[string]lsapi.MemberHealth, began time.Time) [][]string {
	p := b.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	ids := make(map[string]bool)
	for id := range known {
		if began.Sub(b.silent[id]) > silenceLifetime {
			ids[id] = true
		}
	}
	for _, m := range b.report.Members {
		ids[m.InstanceID] = true
	}
	for id := range p.drains.of(b.name, began) {
		ids[id] = true
	}
	for _, m := range members {
		delete(ids, m.InstanceID)
		delete(b.silent, m.InstanceID)
	}
	for id := range ids { // if that fails, the next poll asks about them
		p.drains.add(b.name, id, began)
		delete(b.silent, id)
	}
	var questions [][]string
	if len(ids) > 0 {
		questions = append(questions, slices.Sorted(maps.Keys(ids)))
	}
	for _, m := range members {
		ids[m.InstanceID] = true
	}
	for _, id := range b.strangers(ids, began) {
		questions = append(questions, []string{id})
	}
	b.recount(1 + len(questions))
	return questions
}

// strangers returns instances that somebody waits for to be drained, of which neither
// AWS nor the record has ever told, as far as they are not among the known: those that
// were waited for first, and not many. One that does not exist makes a question fail
// for all that it is about, so that each is asked about by itself. The caller holds mu.
func (b *balancer) strangers(known map[string]bool, now time.Time) []string {
	waiting := slices.SortedFunc(maps.Keys(b.drainers), func(f, g *Follower) int { return f.made.Compare(g.made) })
	var ids []string
	for _, f := range waiting {
		if len(ids) == maxStrangers {
			break
		}
		if id := f.instance; !known[id] && !f.from.After(now) && now.Sub(b.silent[id]) > silenceLifetime && !slices.Contains(ids, id) {
			ids = append(ids, id)
			delete(b.silent, id)
		}
	}
	return ids
}

// answered adds to a report what was said of instances that were asked about.
func answered(report lsapi.HealthReport, ids []string, others []lsapi.MemberHealth) lsapi.HealthReport {
	report.Members = slices.Concat(report.Members, others)
	slices.SortFunc(report.Members, byID)
	silent := slices.Clone(report.Absent)
	for _, id := range ids {
		if _, ok := report.Of(id); !ok {
			silent = append(silent, id)
		}
	}
	slices.Sort(silent)
	report.Absent = slices.Compact(silent)
	return report
}

// stillSilent adds those to a report's silent ones of whom the load balancer said
// nothing a while ago, and forgets those that are not on record after a time.
func (b *balancer) stillSilent(report lsapi.HealthReport, known map[string]lsapi.MemberHealth, began time.Time) []string {
	b.poller.mu.Lock()
	defer b.poller.mu.Unlock()
	silent := slices.Clone(report.Absent)
	for id, since := range b.silent {
		if _, ok := known[id]; !ok && began.Sub(since) > silenceLifetime {
			delete(b.silent, id)
			continue
		}
		silent = append(silent, id)
	}
	slices.Sort(silent)
	return slices.Compact(silent)
}

// complete asks about instances of which another process's report does not speak:
// it may not know that they are being drained.
func (b *balancer) complete(ctx context.Context, report lsapi.HealthReport, ids []string) {
	b.poller.mu.Lock()
	b.completed = report.AsOf
	b.poller.mu.Unlock()
	asking, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	for _, id := range ids {
		others, err := b.poller.o.AWS.HealthOf(asking, b.name, []string{id})
		if b.poller.base.Err() != nil {
			return
		}
		b.note(err)
		if err != nil {
			return
		}
		report = answered(report, []string{id}, others)
	}
	b.adopt(report, true)
	b.poller.o.Saw(report)
}

// unheard returns instances that somebody waits for to be drained, of which another
// process's report does not speak. They are asked about once after each report. The
// caller holds mu.
func (b *balancer) unheard(now time.Time) []string {
	if !b.foreign || b.completed.Equal(b.report.AsOf) {
		return nil
	}
	known := make(map[string]bool)
	for f := range b.drainers {
		known[f.instance] = true
	}
	for f := range b.drainers { // a report of before a follower came is not for it
		if !b.report.AsOf.Before(f.made) && !speaksOf(b.report, f.instance) {
			delete(known, f.instance)
		}
	}
	return b.strangers(known, now)
}

// adopt makes a report the last, unless there is a later one.
func (b *balancer) adopt(report lsapi.HealthReport, foreign bool) {
	p := b.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	if b.gone != nil || report.AsOf.Before(b.report.AsOf) {
		return
	}
	if foreign {
		report = b.silence(report)
		signal(b.wake) // a follower may wait for an instance that it lacks
	}
	b.report, b.foreign = report, foreign
	b.began = later(b.began, report.AsOf)
	for _, m := range report.Members {
		delete(b.silent, m.InstanceID)
		if m.Draining {
			p.drains.add(b.name, m.InstanceID, report.AsOf)
		} else {
			p.drains.deny(b.name, m.InstanceID, report.AsOf)
		}
	}
	if foreign { // after a poll of its own, stillSilent has done it
		maps.DeleteFunc(b.silent, func(_ string, since time.Time) bool { return report.AsOf.Sub(since) > silenceLifetime })
	}
	for _, id := range report.Absent {
		p.drains.deny(b.name, id, report.AsOf)
		if b.silent[id].IsZero() {
			b.silent[id] = report.AsOf
		}
	}
	b.tell()
}

// silence adds to another process's report those that somebody here waits for, of whom
// the load balancer said nothing a while ago. The caller holds mu.
func (b *balancer) silence(report lsapi.HealthReport) lsapi.HealthReport {
	silent := slices.Clone(report.Absent)
	for f := range b.drainers {
		if report.AsOf.Sub(b.silent[f.instance]) <= silenceLifetime && !speaksOf(report, f.instance) {
			silent = append(silent, f.instance)
		}
	}
	slices.Sort(silent)
	report.Absent = slices.Compact(silent)
	return report
}

// note counts a poll's success or failure, and decides when to try again. A load
// balancer that does not exist any more is not polled any more.
func (b *balancer) note(err error) {
	p := b.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	failed := b.failures > 0
	switch {
	case err == nil:
		b.failures, b.retryAt, b.failure = 0, time.Time{}, nil
		if failed {
			p.o.Log.Info("the health of a load balancer can be read again", "load_balancer", b.name)
		}
		return
	case lsapi.ErrorCode(err) == lsapi.CodeNotFound:
		p.drains.forget(b.name)
		b.end(err)
		return
	}
	p.stats.Failures++
	follow, _ := p.pace()
	pause := max(min(follow<<min(b.failures, 8), maxBackOff), follow, lsapi.AsError(err).RetryAfter)
	b.failures++
	b.failure, b.failedAt = err, time.Now()
	b.retryAt = b.failedAt.Add(pause)
	b.tell()
	if !failed {
		p.o.Log.Warn("the health of a load balancer cannot be read; trying again", "load_balancer", b.name, "code", lsapi.ErrorCode(err), "error", err)
	}
}

// speaksOf reports whether a report tells anything of an instance.
func speaksOf(report lsapi.HealthReport, instance string) bool {
	if _, ok := slices.BinarySearch(report.Absent, instance); ok {
		return true
	}
	_, ok := report.Of(instance)
	return ok
}

func byID(a, b lsapi.MemberHealth) int { return cmp.Compare(a.InstanceID, b.InstanceID) }
