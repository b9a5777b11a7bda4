package snapshot

import (
	"context"
	"time"

	"lsapi"
)

// publishListing publishes a listing to the other replicas, and returns the duration.
func (s *Snapshot) publishListing(ctx context.Context, began time.Time, pages []listedPage) (took time.Duration) {
	if s.o.Replicas == nil {
		return 0
	}
	var all []lsapi.Membership
	last := s.published
	s.published = make(map[lsapi.PoolID]publication, len(last))
	for _, p := range pages {
		for _, pool := range p.pools {
			t, ok := last[pool.ID]
			if !ok || !t.origin.isOf(pool.Members, s.facts.revision.Load()) || !t.Description.Equal(pool.Description) {
				members, revision := s.facts.of(pool.Members)
				t = publication{lsapi.Membership{Pool: pool.ID, Members: members, Description: pool.Description, MembersUnlisted: pool.MembersUnlisted}, origin{pool.Members, revision}}
			}
			s.published[pool.ID] = t
			all = append(all, t.Membership)
		}
	}
	publishing, cancel := context.WithTimeout(ctx, leadTimeout)
	defer cancel()
	asked := time.Now()
	if err := s.o.Replicas.Publish(publishing, began, all); err != nil && ctx.Err() == nil {
		s.o.Log.Warn("the listing could not be published to the other replicas", "error", err)
	}
	return time.Since(asked)
}
