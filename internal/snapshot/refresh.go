package snapshot

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"lsapi"
)

// refreshForever refreshes ahead of the bound, except in idle times.
func (s *Snapshot) refreshForever() {
	var next time.Time
	for s.base.Err() == nil {
		now := time.Now()
		var due <-chan time.Time
		if s.isIdle(now) {
			s.failing.Forget() // the next read finds out
		} else {
			due = time.After(max(0, next.Sub(now)))
		}
		select {
		case <-s.base.Done():
			return
		case <-s.wake:
			continue // no longer idle: next is due as planned
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

// schedule returns the time of the next refresh after one that began at a time and whose
// listing took a duration, without lookups of instances. The next one ends before the
// answers of this one exceed the bound. If the fleet is too large for that, the pause is as
// long as a listing, which leaves processor time and budget to others, and the bound
// stretches. The shortest of the last listings counts, because a slow one does not make a
// large fleet.
func (s *Snapshot) schedule(began time.Time, took time.Duration, err error) (next time.Time) {
	if errors.Is(err, errOutdated) {
		return time.Now() // its instances are known now, so the next one is quick
	}
	if s.base.Err() != nil {
		return time.Time{} // the error is due to Close
	}
	s.noteOutcome(err)
	s.o.Metrics.Refresh(lsapi.ErrorCode(err), took)
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

// stretch sets the bound, and logs it at intervals while it exceeds MaxStaleness.
func (s *Snapshot) stretch(bound, took time.Duration) {
	s.bound.Store(int64(bound))
	if bound > s.o.MaxStaleness && time.Since(s.warned) > warnEvery {
		s.warned = time.Now()
		s.o.Log.Warn("the fleet is too large for the freshness bound; answers may be older",
			"max_staleness", s.o.MaxStaleness, "bound", bound, "refresh_took", took)
	}
}

// noteOutcome wakes the waits for a listing when refreshes begin to fail.
func (s *Snapshot) noteOutcome(err error) {
	if s.failing.Note(err) {
		s.announce()
	}
}

// refresh lists the region. It publishes each pool as soon as its instances are known. A
// known pool that is not listed is read by name: only that read makes it not found. aside
// is the time spent on lookups of instances and on other replicas.
func (s *Snapshot) refresh(ctx context.Context) (aside time.Duration, err error) {
	began := time.Now()
	listed := make(map[lsapi.PoolID]bool)
	var complete, incomplete []listedPage // incomplete ones have unknown instances
	var unlisted []lsapi.Pool             // their members are polled
	asked := began
	for page, err := range s.o.AWS.Pools(ctx) {
		if err != nil {
			return 0, err
		}
		for _, pool := range page {
			listed[pool.ID] = true
		}
		members, without := s.apart(page)
		unlisted = append(unlisted, without...)
		known, unknown := s.split(members, asked)
		s.reportAndPlace(known)
		complete, incomplete = append(complete, known), append(incomplete, unknown)
		asked = time.Now()
	}
	s.slotsFor(slices.Collect(maps.Keys(listed))...) // they are known to exist from now on
	s.listedKinds.Store(kindsOf(listed))
	s.listed.Store(s.stamp(began))
	s.announce()
	s.checkUnlisted(listed, began)
	if aside, err = s.complete(ctx, incomplete); err != nil {
		return aside, err
	}
	s.announce() // all that was listed is published now
	aside += s.publishListing(ctx, began, append(append(complete, incomplete...), listedPage{pools: unlisted}))
	s.achieved.Store(s.oldest.Swap(0))
	s.sweepFacts()
	s.renewFacts()
	return aside, nil
}

// sweepFacts drops, at intervals, the facts of instances that are no members.
func (s *Snapshot) sweepFacts() {
	if time.Since(s.swept) < sweepEvery {
		return
	}
	s.swept = time.Now()
	used := make(map[string]bool)
	for _, sl := range *s.slots.Load() {
		if e := sl.current.Load(); e != nil {
			for _, member := range e.members {
				used[member.Instance.ID] = true
			}
		}
	}
	s.facts.keep(used)
}

// renewFacts looks up expired facts in the background, because in a large fleet that takes
// longer than a listing. The next refresh publishes them.
func (s *Snapshot) renewFacts() {
	expired := s.facts.expired()
	if len(expired) == 0 || !s.renewing.CompareAndSwap(false, true) {
		return
	}
	s.work.Go(func(ctx context.Context) {
		defer s.renewing.Store(false)
		if err := s.facts.lookUp(ctx, s.o.AWS, expired); err != nil && ctx.Err() == nil {
			s.o.Log.Warn("instances cannot be looked up; their metadata grows older", "code", lsapi.ErrorCode(err), "error", err)
		}
	})
}

// listedPage is a page of the listing or a part of one.
type listedPage struct {
	pools   []lsapi.Pool
	asked   time.Time // the begin of its request
	missing []string  // unknown instances
}

// split separates the pools with unknown instances, so that a failing lookup delays
// no others.
func (s *Snapshot) split(page []lsapi.Pool, asked time.Time) (known, unknown listedPage) {
	known.asked, unknown.asked = asked, asked
	for _, pool := range page {
		missing := s.missing(pool.ID, s.o.Overlay.Over(pool.ID, pool.Members, asked))
		if len(missing) == 0 {
			known.pools = append(known.pools, pool)
			continue
		}
		unknown.pools = append(unknown.pools, pool)
		unknown.missing = append(unknown.missing, missing...)
	}
	return known, unknown
}

// missing returns the unknown ones of a pool's instances. An unchanged pool, the
// usual case, needs no look at each.
func (s *Snapshot) missing(pool lsapi.PoolID, ids []lsapi.MemberID) []string {
	if e, _ := s.current(pool); e != nil && e.origin.isOf(ids, s.facts.revision.Load()) {
		return nil
	}
	return s.facts.missing(instancesOf(ids))
}

// complete looks up the unknown instances of all pages together, which takes fewer calls,
// and publishes the pages. It returns the duration of the lookup.
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
		s.reportAndPlace(p)
	}
	return lookups, nil
}

// reportAndPlace passes a page of this replica's own listing to the Observer and publishes it.
func (s *Snapshot) reportAndPlace(p listedPage) {
	for _, pool := range p.pools {
		s.o.Observer.Observe(pool.ID, lsapi.PoolRead{Members: pool.Members, Incarnation: pool.Description.Incarnation()}, p.asked)
	}
	s.place(p)
}

// place publishes a page.
func (s *Snapshot) place(p listedPage) {
	pools := make([]lsapi.PoolID, len(p.pools))
	shown := make(map[lsapi.PoolID]bool, len(pools))
	for i, pool := range p.pools {
		pools[i] = pool.ID
		shown[pool.ID] = true
	}
	for i, sl := range s.slotsFor(pools...) {
		if d := p.pools[i].Description; d != nil {
			sl.description.Store(d)
		}
		s.publish(sl, p.pools[i].Members, nil, p.asked)
	}
	s.named.Release(p.asked, func(pool lsapi.PoolID) (done bool, err error) { return shown[pool], nil })
}

// errOutdated ends a refresh whose lookups took so long that the overlay may no longer hold
// the changes since the request of a page.
var errOutdated = errors.New("the page is too old to be published")

// checkUnlisted handles the names that a whole listing lacks: known ones are read by name,
// and waits for unknown ones end with CodeNotFound.
func (s *Snapshot) checkUnlisted(listed map[lsapi.PoolID]bool, began time.Time) {
	known := *s.slots.Load()
	for pool, sl := range known {
		if e := sl.current.Load(); !listed[pool] && (e == nil || e.AsOf.Before(began)) {
			s.named.Start(pool) // if there are too many reads, the next listing tries again
		}
	}
	s.named.Release(began, func(pool lsapi.PoolID) (done bool, err error) {
		return known[pool] == nil && s.listsKindOf(pool), errNotFound(pool) // listed names are known
	})
}
