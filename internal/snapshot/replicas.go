package snapshot

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"lsapi"
	"lsapi/internal/background"
)

// leads reports whether this replica refreshes. If Lead fails, it does: each replica then
// refreshes for itself, within its share of the budget.
func (s *Snapshot) leads(ctx context.Context) bool {
	if s.o.Replicas == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, leadTimeout)
	defer cancel()
	lead, err := s.o.Replicas.Lead(ctx)
	s.partition.Note(err)
	return lead || err != nil
}

// refreshLeading refreshes, and renews the lease meanwhile.
func (s *Snapshot) refreshLeading(ctx context.Context, l *listing) (aside time.Duration, err error) {
	if s.o.Replicas == nil {
		return s.refresh(ctx, l)
	}
	ctx, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() {
		background.Every(ctx, leadEvery, func() { _, _ = s.o.Replicas.Lead(ctx) }) // Publish fails if the lease is lost
	})
	defer func() { cancel(); renewing.Wait() }()
	return s.refresh(ctx, l)
}

// follow waits a while for the leader's next listing and publishes it to readers.
func (s *Snapshot) follow(ctx context.Context, l *listing) {
	ctx, cancel := context.WithTimeout(ctx, leadEvery)
	defer cancel()
	published, err := s.o.Replicas.SharedListing(ctx, l.kind, l.followed.version)
	if err != nil {
		<-ctx.Done() // there is no news, or the leader is unreachable: Lead decides
		return
	}
	s.merge(l, published)
	isRecent := time.Since(published.AsOf) <= maxPageAge // else the overlay may no longer hold the changes since
	if isRecent {
		s.publishFollowed(l, published.AsOf)
	}
	switch {
	case published.Failure != "":
		s.noteOutcome(l, &lsapi.Error{Code: published.Failure}, published.Denied)
	case isRecent:
		s.noteOutcome(l, nil, false)
	}
}

// merge applies the difference to the last listing.
func (s *Snapshot) merge(l *listing, p lsapi.SharedListing) {
	if l.followed.all == nil || p.Whole {
		l.followed.all = make(map[lsapi.PoolID]lsapi.Pool)
	}
	l.followed.version = p.Version
	for _, m := range p.Pools {
		l.followed.all[m.Pool] = lsapi.Pool{ID: m.Pool, Members: idsOf(m.Members), Description: m.Description, MembersUnlisted: m.MembersUnlisted}
		s.facts.merge(m.Members)
	}
	for _, pool := range p.Gone {
		delete(l.followed.all, pool)
	}
}

// publishFollowed publishes the leader's listing, as refresh does its own.
func (s *Snapshot) publishFollowed(l *listing, asOf time.Time) {
	members, unlisted := byListing(slices.Collect(maps.Values(l.followed.all)))
	s.describe(unlisted)
	page := listedPage{asked: asOf, pools: members}
	listed := make(map[lsapi.PoolID]bool, len(l.followed.all))
	for pool := range l.followed.all {
		listed[pool] = true
	}
	s.place(page) // the leader has reported it to its Observer
	l.pools.Store(int64(len(listed)))
	l.listed.Store(max(l.listed.Load(), s.stamp(asOf)))
	s.announce()
	s.checkUnlisted(l, listed, asOf)
	l.achieved.Store(l.oldest.Swap(0))
	s.pruneFacts()
	s.renewFacts(s.polledOnly(s.facts.expired())) // the listing has the others
}
