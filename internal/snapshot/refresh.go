package snapshot

import (
	"context"
	"time"

	"lsapi"
)

// refreshForever refreshes ahead of the bound while anybody reads, and sleeps
// when nobody does.
func (s *Snapshot) refreshForever() {
	var next time.Time
	for {
		now := time.Now()
		var due <-chan time.Time
		if !s.isIdle(now) {
			due = time.After(max(0, next.Sub(now)))
		}
		select {
		case <-s.base.Done():
			return
		case <-s.wake:
			continue // somebody reads again: it is due when the last one says
		case <-due:
		}
		began := time.Now()
		lookups, err := s.refresh(s.base)
		next = s.schedule(began, time.Since(began)-lookups, err)
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
// listing took, so that it eats neither the machine nor the budget, and the
// bound stretches by what is missing.
//
// Looking instances up does not count: that is done once for each.
func (s *Snapshot) schedule(began time.Time, took time.Duration, err error) (next time.Time) {
	s.tell(err)
	s.o.Observe(lsapi.ErrorCode(err), took)
	if err != nil {
		return time.Now().Add(retryPause)
	}
	slack := s.o.MaxStaleness / slackShare
	pause := max(s.o.MaxStaleness-took-slack, 2*took)
	s.stretch(max(s.o.MaxStaleness, pause+took+slack), took)
	return began.Add(pause)
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
	failing := err != nil && s.base.Err() == nil
	switch was := s.failing.Swap(failing); {
	case failing && !was:
		s.o.Log.Warn("AWS cannot be read; answers grow older", "code", lsapi.ErrorCode(err), "error", err)
	case was && !failing:
		s.o.Log.Info("AWS can be read again")
	}
}

// refresh lists the region. Each page is shown to readers as soon as it is
// there. A load balancer that was known and is not listed is asked for by name:
// only that answer makes it a 404. lookups is the part of the time that went
// into looking up instances.
func (s *Snapshot) refresh(ctx context.Context) (lookups time.Duration, err error) {
	began := time.Now()
	listed, members := make(map[string]bool), make(map[string]bool)
	asked := began
	for page, err := range s.o.AWS.LoadBalancers(ctx) {
		if err != nil {
			return lookups, err
		}
		ids, lookup, err := s.show(ctx, page, asked)
		lookups += lookup
		if err != nil {
			return lookups, err
		}
		for _, id := range ids {
			members[id] = true
		}
		for _, lb := range page {
			listed[lb.Name] = true
		}
		asked = time.Now()
	}
	s.listed.Store(began.UnixNano())
	s.achieved.Store(s.oldest.Swap(0))
	s.checkUnlisted(listed, began)
	s.facts.keep(members, began)
	s.renewFacts()
	return lookups, nil
}

// renewFacts asks EC2 again for what has expired, beside the refreshes: for a
// large fleet that takes longer than a listing, and who is a member must not
// wait for it. The next refresh shows what it found.
func (s *Snapshot) renewFacts() {
	expired := s.facts.expired()
	if len(expired) == 0 || !s.renewing.CompareAndSwap(false, true) {
		return
	}
	s.done.Go(func() {
		defer s.renewing.Store(false)
		if err := s.facts.ask(s.base, s.o.AWS, expired); err != nil && s.base.Err() == nil {
			s.o.Log.Warn("EC2 cannot be asked; what is known of instances grows older", "code", lsapi.ErrorCode(err), "error", err)
		}
	})
}

// show publishes a page of the listing whose asking began then. It returns the
// members that it has, and how long it took to look up those that are new.
func (s *Snapshot) show(ctx context.Context, page []lsapi.LoadBalancer, asked time.Time) (ids []string, lookup time.Duration, err error) {
	names := make([]string, len(page))
	for i, lb := range page {
		names[i] = lb.Name
		ids = append(ids, s.o.Overlay(lb.Name, lb.Members, asked)...)
	}
	began := time.Now()
	err = s.facts.ensure(ctx, s.o.AWS, ids)
	lookup = time.Since(began)
	if err != nil {
		return nil, lookup, err
	}
	shown := make(map[string]bool, len(page))
	for i, sl := range s.slotsFor(names...) {
		s.publish(sl, page[i].Members, asked)
		shown[sl.name] = true
	}
	s.landWaiting(asked, func(name string) (error, bool) { return nil, shown[name] })
	return ids, lookup, nil
}

// checkUnlisted deals with the names that a whole listing, begun then, lacks:
// those that were known are read by name, those that were not are not found.
func (s *Snapshot) checkUnlisted(listed map[string]bool, began time.Time) {
	known := *s.slots.Load()
	for name, sl := range known {
		if e := sl.current.Load(); !listed[name] && e != nil && e.AsOf.Before(began) {
			s.join(name)
		}
	}
	s.landWaiting(began, func(name string) (error, bool) {
		return errNotFound(name), !listed[name] && known[name] == nil
	})
}
