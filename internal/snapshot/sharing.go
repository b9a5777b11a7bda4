package snapshot

import (
	"context"
	"time"

	"lsapi"
)

// publishListing publishes a listing to the other replicas, and returns the duration.
func (s *Snapshot) publishListing(ctx context.Context, l *listing, began time.Time, pages []listedPage) (took time.Duration) {
	if s.o.Replicas == nil {
		return 0
	}
	var all []lsapi.Membership
	last := l.published
	l.published = make(map[lsapi.PoolID]publication, len(last))
	for _, p := range pages {
		for _, pool := range p.pools {
			t, ok := last[pool.ID]
			if !ok || !t.origin.isOf(pool.Members, s.facts.revision.Load()) || !t.Description.Equal(pool.Description) {
				members, revision := s.facts.of(pool.Members)
				t = publication{lsapi.Membership{Pool: pool.ID, Members: members, Description: pool.Description, MembersUnlisted: pool.MembersUnlisted}, origin{pool.Members, revision}}
			}
			l.published[pool.ID] = t
			all = append(all, t.Membership)
		}
	}
	asked := time.Now()
	s.share(ctx, lsapi.KindListing{Kind: l.kind, AsOf: began}, all)
	return time.Since(asked)
}

// publishFailure publishes that the last refresh failed, so that the readers of other
// replicas do not wait for it.
func (s *Snapshot) publishFailure(l *listing) {
	if s.o.Replicas != nil {
		s.share(s.base, s.stateOf(l), nil)
	}
}

func (s *Snapshot) share(ctx context.Context, state lsapi.KindListing, all []lsapi.Membership) {
	publishing, cancel := context.WithTimeout(ctx, leadTimeout)
	defer cancel()
	if err := s.o.Replicas.Publish(publishing, state, all); err != nil && ctx.Err() == nil {
		s.o.Log.Warn("the listing could not be published to the other replicas", "kind", state.Kind, "error", err)
	}
}
