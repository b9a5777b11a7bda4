package snapshot

import (
	"context"
	"time"

	"lsapi"
)

// Exists returns CodeNotFound if a whole listing that begins after the call lacks the name,
// so that a new pool is found, and an invented name costs no call of its own. It waits for
// that listing only if the last one lacks the name. Nil does not prove that the pool
// exists: the listing of its kind may fail, or be old.
//
// Errors: CodeNotFound. CodeTimeout: ctx ended first.
func (s *Snapshot) Exists(ctx context.Context, pool lsapi.PoolID) error {
	called := time.Now()
	s.noteReadOf(pool, called)
	l := s.listings[pool.Kind]
	if l == nil {
		return errNotFound(pool)
	}
	if _, exists := s.current(pool); exists || !s.isListed(l, called) {
		return nil
	}
	if err := s.awaitListing(ctx, l, called); err != nil {
		return err
	}
	if _, exists := s.current(pool); exists || !s.wasListedSince(l, called) {
		return nil
	}
	return errNotFound(pool)
}

// Resolve returns the ids that members of a request, which may be none, have in their pool,
// and the ARN of the group if one has its port. If that takes the pool's description and
// there has been no listing yet, it waits for one.
//
// Errors: those of Exists and of lsapi.ResolveMember.
func (s *Snapshot) Resolve(ctx context.Context, pool lsapi.PoolID, members []lsapi.MemberID) (resolved []lsapi.MemberID, portOf string, err error) {
	called := time.Now()
	if err := s.Exists(ctx, pool); err != nil {
		return nil, "", err
	}
	resolved, portOf, err = s.resolved(pool, members)
	if lsapi.ErrorCode(err) != lsapi.CodeUnavailable {
		return resolved, portOf, err
	}
	if err := s.awaitListing(ctx, s.listings[pool.Kind], called); err != nil {
		return nil, "", err
	}
	return s.resolved(pool, members)
}

// resolved is Resolve with what is known of the pool.
func (s *Snapshot) resolved(pool lsapi.PoolID, members []lsapi.MemberID) (resolved []lsapi.MemberID, portOf string, err error) {
	description := s.descriptionOf(pool)
	if err := lsapi.CheckChangeable(pool, description); err != nil {
		return nil, "", err
	}
	resolved = make([]lsapi.MemberID, len(members))
	for i, member := range members {
		if resolved[i], err = lsapi.ResolveMember(pool, description, member); err != nil {
			return nil, "", err
		}
		if resolved[i] != member {
			portOf = description.ARN
		}
	}
	return resolved, portOf, nil
}

// descriptionOf returns the description of a pool; nil if it is unknown.
func (s *Snapshot) descriptionOf(pool lsapi.PoolID) *lsapi.Description {
	if sl := (*s.slots.Load())[pool]; sl != nil {
		return sl.description.Load()
	}
	return nil
}

// hasListed reports whether a name of a kind that is not known does not exist: the last whole
// listing is within the bound, or the kind is not served.
func (s *Snapshot) hasListed(kind lsapi.Kind, now time.Time) bool {
	l := s.listings[kind]
	return l == nil || s.isListed(l, now)
}

// awaitListing waits for a whole listing that began after since, or a failed refresh.
func (s *Snapshot) awaitListing(ctx context.Context, l *listing, since time.Time) error {
	for {
		refreshed := *s.refreshed.Load()
		if s.wasListedSince(l, since) || l.fails() {
			return nil
		}
		select {
		case <-refreshed:
		case <-ctx.Done():
			err := lsapi.Errorf(lsapi.CodeTimeout, "the deadline passed before the region was listed; nothing was changed")
			err.Err = context.Cause(ctx)
			return err
		case <-s.base.Done():
			return nil
		}
	}
}

// announce wakes the waits for a listing.
func (s *Snapshot) announce() {
	next := make(chan struct{})
	close(*s.refreshed.Swap(&next))
}
