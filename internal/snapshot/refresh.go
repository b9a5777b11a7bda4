package snapshot

import (
	"context"
	"maps"
	"slices"
	"time"

	"lsapi"
)

// refresh lists the pools of a kind. It publishes each pool as soon as its instances are known. A
// known pool that is not listed is read by name: only that read makes it not found. aside
// is the time spent on lookups of instances and on other replicas.
func (s *Snapshot) refresh(ctx context.Context, l *listing) (aside time.Duration, err error) {
	began := time.Now()
	listed := make(map[lsapi.PoolID]bool)
	var complete, incomplete []listedPage // incomplete ones have unknown instances
	var unlisted []lsapi.Pool             // their members are polled
	asked := began
	for page, err := range s.o.AWS.Pools(ctx, l.kind) {
		if err != nil {
			return s.cutShort(ctx, incomplete, err)
		}
		for _, pool := range page {
			listed[pool.ID] = true
		}
		members, without := byListing(page)
		s.describe(without)
		unlisted = append(unlisted, without...)
		known, unknown := s.split(members, asked)
		s.reportAndPlace(known)
		complete, incomplete = append(complete, known), append(incomplete, unknown)
		asked = time.Now()
	}
	s.slotsFor(slices.Collect(maps.Keys(listed))...) // they are known to exist from now on
	l.pools.Store(int64(len(listed)))
	l.listed.Store(s.stamp(began))
	s.announce()
	s.checkUnlisted(l, listed, began)
	if aside, err = s.complete(ctx, incomplete); err != nil {
		return aside, err
	}
	s.announce() // all that was listed is published now
	aside += s.publishListing(ctx, l, began, append(append(complete, incomplete...), listedPage{pools: unlisted}))
	l.achieved.Store(l.oldest.Swap(0))
	s.pruneFacts()
	s.renewFacts(s.facts.expired())
	return aside, nil
}

// cutShort publishes the pages of a listing before it failed.
func (s *Snapshot) cutShort(ctx context.Context, incomplete []listedPage, failure error) (aside time.Duration, err error) {
	if len(incomplete) > 0 {
		aside, _ = s.complete(ctx, incomplete) // the next listing tries again
		s.renewFacts(s.facts.expired())
	}
	return aside, failure
}

// pruneFacts drops, at intervals, the facts of instances that are no members.
func (s *Snapshot) pruneFacts() {
	now, last := s.stamp(time.Now()), s.pruned.Load()
	if now-last < int64(pruneEvery) || !s.pruned.CompareAndSwap(last, now) {
		return
	}
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
func (s *Snapshot) renewFacts(expired []string) {
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

// checkUnlisted handles the names that a whole listing lacks: known ones are read by name,
// and waits for unknown ones end with CodeNotFound.
func (s *Snapshot) checkUnlisted(l *listing, listed map[lsapi.PoolID]bool, began time.Time) {
	known := *s.slots.Load()
	var lacking []*slot
	for pool, sl := range known {
		if e := sl.current.Load(); sl.listing == l && !listed[pool] && (e == nil || e.AsOf.Before(began)) {
			lacking = append(lacking, sl)
		}
	}
	now, pause := s.stamp(time.Now()), s.sweepTime(len(lacking))
	for _, sl := range lacking { // at the rate of a sweep: they may be many
		if now-sl.checked.Load() >= int64(pause) {
			sl.checked.Store(now)
			s.searched.Start(sl.pool)
		}
	}
	s.release(began, func(pool lsapi.PoolID) (done bool, err error) {
		return pool.Kind == l.kind && known[pool] == nil, errNotFound(pool) // listed names are known
	})
}
