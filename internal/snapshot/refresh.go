package snapshot

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"lsapi"
)

// refreshForever refreshes ahead of the bound while anybody reads, and sleeps
// when nobody does.
func (s *Snapshot) refreshForever() {
	var next time.Time
	for s.base.Err() == nil {
		now := time.Now()
		var due <-chan time.Time
		if s.isIdle(now) {
			s.failing.Forget() // whoever reads next finds out
		} else {
			due = time.After(max(0, next.Sub(now)))
		}
		select {
		case <-s.base.Done():
			return
		case <-s.wake:
			continue // somebody reads again: it is due when the last one says
		case <-due:
		}
		next = s.step(s.base)
	}
}

// refreshNow wakes the loop.
func (s *Snapshot) refreshNow() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// schedule says when the refresh after one that began then, and whose listing
// took so long, begins: so early that it is over before the answers of this one
// are too old. A fleet that takes too long for that gets as long a pause as its
// listing takes, so that it eats neither the machine nor the budget, and the
// bound stretches by what is missing. What counts is how long listings take at
// best: one that was slow is not a large fleet.
//
// Looking instances up does not count: that is done once for each.
func (s *Snapshot) schedule(began time.Time, took time.Duration, err error) (next time.Time) {
	if errors.Is(err, errOutdated) {
		return time.Now() // the instances are known now: the next one is quick
	}
	if s.base.Err() != nil {
		return time.Time{} // the result is that of the end
	}
	s.tell(err)
	s.o.Observe(lsapi.ErrorCode(err), took)
	if err != nil {
		return time.Now().Add(retryPause)
	}
	s.recent = append(s.recent[max(0, len(s.recent)-typicalOf+1):], took)
	typical := slices.Min(s.recent)
	slack := s.o.MaxStaleness / slackShare
	period := max(s.o.MaxStaleness-typical-slack, 2*typical)
	s.stretch(max(s.o.MaxStaleness, period+typical+slack), typical)
	return began.Add(period)
}

// stretch sets the bound, and says so, now and then, if it is not the one that
// was asked for.
func (s *Snapshot) stretch(bound, took time.Duration) {
	s.bound.Store(int64(bound))
	if bound > s.o.MaxStaleness && time.Since(s.warned) > warnEvery {
		s.warned = time.Now()
		s.o.Log.Warn("the fleet is too large for the freshness bound; answers may be older",
			"max_staleness", s.o.MaxStaleness, "bound", bound, "refresh_took", took)
	}
}

// tell logs when refreshing begins to fail, and when it works again.
func (s *Snapshot) tell(err error) {
	switch begins, ends := s.failing.Note(err); {
	case begins:
		s.o.Log.Warn("AWS cannot be read; answers grow older", "code", lsapi.ErrorCode(err), "error", err)
		s.announce()
	case ends:
		s.o.Log.Info("AWS can be read again")
	}
}

// refresh lists the region. Each load balancer is shown to readers as soon as it
// is listed and its instances are known. One that was known and is not listed is
// asked for by name: only that answer makes it a 404. aside is the part of the time
// that went into looking up instances and telling the replicas.
func (s *Snapshot) refresh(ctx context.Context) (aside time.Duration, err error) {
	began := time.Now()
	listed := make(map[string]bool)
	var complete, incomplete []listedPage // these have instances that nothing is known of
	asked := began
	for page, err := range s.o.AWS.LoadBalancers(ctx) {
		if err != nil {
			return 0, err
		}
		known, unknown := s.split(page, asked)
		for _, lb := range page {
			listed[lb.Name] = true
		}
		s.show(known)
		complete, incomplete = append(complete, known), append(incomplete, unknown)
		asked = time.Now()
	}
	s.slotsFor(slices.Collect(maps.Keys(listed))...) // that they exist is known from now on
	s.listed.Store(s.stamp(began))
	s.announce()
	s.checkUnlisted(listed, began)
	if aside, err = s.complete(ctx, incomplete); err != nil {
		return aside, err
	}
	s.announce() // everything that was listed is shown now
	aside += s.tellReplicas(ctx, began, append(complete, incomplete...))
	s.achieved.Store(s.oldest.Swap(0))
	s.sweepFacts()
	s.renewFacts()
	return aside, nil
}

// sweepFacts forgets, now and then, the facts of instances that are shown nowhere.
func (s *Snapshot) sweepFacts() {
	if time.Since(s.swept) < sweepEvery {
		return
	}
	s.swept = time.Now()
	used := make(map[string]bool)
	for _, sl := range *s.slots.Load() {
		if e := sl.current.Load(); e != nil {
			for _, member := range e.members {
				used[member.ID] = true
			}
		}
	}
	s.facts.keep(used)
}

// renewFacts asks EC2 again for what has expired, beside the refreshes: for a
// large fleet that takes longer than a listing, and who is a member must not
// wait for it. The next refresh shows what it found.
func (s *Snapshot) renewFacts() {
	expired := s.facts.expired()
	if len(expired) == 0 || !s.renewing.CompareAndSwap(false, true) {
		return
	}
	s.work.Go(func(ctx context.Context) {
		defer s.renewing.Store(false)
		if err := s.facts.ask(ctx, s.o.AWS, expired); err != nil && ctx.Err() == nil {
			s.o.Log.Warn("EC2 cannot be asked; what is known of instances grows older", "code", lsapi.ErrorCode(err), "error", err)
		}
	})
}

// listedPage is a page of the listing, or a part of one, whose asking began then.
type listedPage struct {
	loadBalancers []lsapi.Pool
	asked         time.Time
	missing       []string // instances that nothing is known of
}

// split parts the load balancers of a page whose instances are known from the
// others, so that an instance that cannot be looked up keeps nobody else's answer
// from being shown.
func (s *Snapshot) split(page []lsapi.Pool, asked time.Time) (known, unknown listedPage) {
	known.asked, unknown.asked = asked, asked
	for _, lb := range page {
		missing := s.missing(lb.Name, s.o.Overlay(lb.Name, lb.Members, asked))
		if len(missing) == 0 {
			known.loadBalancers = append(known.loadBalancers, lb)
			continue
		}
		unknown.loadBalancers = append(unknown.loadBalancers, lb)
		unknown.missing = append(unknown.missing, missing...)
	}
	return known, unknown
}

// missing returns those of a load balancer's instances of which nothing is known.
// Most load balancers are shown as they are, and nothing is missing of them.
func (s *Snapshot) missing(loadBalancer string, ids []string) []string {
	if e, _ := s.current(loadBalancer); e != nil && e.origin.isOf(ids, s.facts.revision.Load()) {
		return nil
	}
	return s.facts.missing(ids)
}

// complete looks up what is missing of pages, all of it together, because that
// takes fewer calls, and shows them. It tells how long the looking up took.
func (s *Snapshot) complete(ctx context.Context, pages []listedPage) (lookups time.Duration, err error) {
	var ids []string
	for _, p := range pages {
		ids = append(ids, p.missing...)
	}
	began := time.Now()
	err = s.facts.ensure(ctx, s.o.AWS, ids)
	lookups = time.Since(began)
	if err != nil {
		return lookups, err
	}
	for _, p := range pages {
		if time.Since(p.asked) > maxPageAge {
			return lookups, errOutdated
		}
		s.show(p)
	}
	return lookups, nil
}

// show shows a page that AWS has given this process.
func (s *Snapshot) show(p listedPage) {
	for _, lb := range p.loadBalancers {
		s.o.Saw(lb.Name, lb.Members, p.asked)
	}
	s.place(p)
}

// place shows readers a page.
func (s *Snapshot) place(p listedPage) {
	names := make([]string, len(p.loadBalancers))
	shown := make(map[string]bool, len(names))
	for i, lb := range p.loadBalancers {
		names[i] = lb.Name
		shown[lb.Name] = true
	}
	for i, sl := range s.slotsFor(names...) {
		s.publish(sl, p.loadBalancers[i], p.asked)
	}
	s.landWaiting(p.asked, func(name string) (error, bool) { return nil, shown[name] })
}

// errOutdated ends a refresh of which a page waited too long for its instances to
// be looked up: the overlay may not reach back to it any more.
var errOutdated = errors.New("the page is too old to be shown")

// checkUnlisted deals with the names that a whole listing, begun then, lacks:
// those that were known are read by name, those that were not are not found.
func (s *Snapshot) checkUnlisted(listed map[string]bool, began time.Time) {
	known := *s.slots.Load()
	for name, sl := range known {
		if e := sl.current.Load(); !listed[name] && (e == nil || e.AsOf.Before(began)) {
			_, _ = s.join(name, false) // too many are read: the next listing asks again
		}
	}
	s.landWaiting(began, func(name string) (error, bool) {
		return errNotFound(name), known[name] == nil // what was listed is known
	})
}
