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
	ids := b.questions(members, known, began)
	var others []lsapi.MemberHealth
	if len(ids) > 0 {
		if others, err = aws.HealthOf(ctx, b.name, ids); err == nil {
			report = answered(report, ids, others)
		} else if lsapi.ErrorCode(err) == lsapi.CodeNotFound {
			return lsapi.HealthReport{}, err
		}
	}
	report.Silent = b.stillSilent(report, known)
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

// questions returns the instances that must be asked about by their ids, sorted:
// those that may be drained, of which Health has said nothing.
func (b *balancer) questions(members []lsapi.MemberHealth, known map[string]lsapi.MemberHealth, began time.Time) []string {
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
	for f := range b.drainers {
		ids[f.instance] = true
	}
	for _, m := range members {
		delete(ids, m.InstanceID)
		delete(b.silent, m.InstanceID)
	}
	for id := range ids { // if that fails, the next poll asks about them
		p.drains.add(b.name, id, began)
		delete(b.silent, id)
	}
	b.recount(1 + min(1, len(ids)))
	return slices.Sorted(maps.Keys(ids))
}

// answered adds to a report what was said of instances that were asked about.
func answered(report lsapi.HealthReport, ids []string, others []lsapi.MemberHealth) lsapi.HealthReport {
	report.Members = slices.Concat(report.Members, others)
	slices.SortFunc(report.Members, byID)
	silent := slices.Clone(report.Silent)
	for _, id := range ids {
		if _, ok := report.Of(id); !ok {
			silent = append(silent, id)
		}
	}
	slices.Sort(silent)
	report.Silent = slices.Compact(silent)
	return report
}

// stillSilent adds those to a report's silent ones that are on record, of whom the
// load balancer said nothing a while ago.
func (b *balancer) stillSilent(report lsapi.HealthReport, known map[string]lsapi.MemberHealth) []string {
	b.poller.mu.Lock()
	defer b.poller.mu.Unlock()
	silent := slices.Clone(report.Silent)
	for id := range b.silent {
		if _, ok := known[id]; !ok && known != nil {
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
	asking, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	others, err := b.poller.o.AWS.HealthOf(asking, b.name, ids)
	if b.poller.base.Err() != nil {
		return
	}
	b.note(err)
	if err != nil {
		return
	}
	report = answered(report, ids, others)
	b.adopt(report, true)
	b.poller.o.Saw(report)
}

// unheard returns the instances that somebody waits for to be drained, of which
// another process's report does not speak. The caller holds mu.
func (b *balancer) unheard(now time.Time) []string {
	if !b.foreign {
		return nil
	}
	ids := make(map[string]bool)
	for f := range b.drainers {
		if !f.from.After(now) && !b.report.AsOf.Before(f.made) && !speaksOf(b.report, f.instance) {
			ids[f.instance] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// adopt makes a report the last, unless there is a later one.
func (b *balancer) adopt(report lsapi.HealthReport, foreign bool) {
	p := b.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	if b.gone != nil || report.AsOf.Before(b.report.AsOf) {
		return
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
	for _, id := range report.Silent {
		p.drains.deny(b.name, id, report.AsOf)
		if b.silent[id].IsZero() {
			b.silent[id] = report.AsOf
		}
	}
	b.tell()
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
	if _, ok := slices.BinarySearch(report.Silent, instance); ok {
		return true
	}
	_, ok := report.Of(instance)
	return ok
}

func byID(a, b lsapi.MemberHealth) int { return cmp.Compare(a.InstanceID, b.InstanceID) }
