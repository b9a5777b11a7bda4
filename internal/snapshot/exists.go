package snapshot

import (
	"context"
	"time"

	"lsapi"
)

// Exists returns CodeNotFound for a name that a whole listing lacks which began
// after Exists was called, so that a load balancer that was created a moment ago
// is found and an invented name costs no call of its own. It waits for that
// listing only when the last one lacks the name. Nil does not mean that there is
// such a load balancer: AWS may be away, or may not have been asked for a while.
//
// Errors: CodeNotFound, CodeTimeout when ctx ends first.
func (s *Snapshot) Exists(ctx context.Context, loadBalancer string) error {
	called := time.Now()
	s.touch(called)
	if _, exists := s.current(loadBalancer); exists || !s.isListed(called) {
		return nil
	}
	if err := s.awaitListing(ctx, called); err != nil {
		return err
	}
	if _, exists := s.current(loadBalancer); exists || !s.wasListedSince(called) {
		return nil
	}
	return errNotFound(loadBalancer)
}

// isListed reports whether the names of all load balancers are known, of a
// listing that is within the bound.
func (s *Snapshot) isListed(now time.Time) bool {
	return s.isFresh(s.at(s.listed.Load()), now)
}

func (s *Snapshot) wasListedSince(since time.Time) bool {
	return s.listed.Load() >= s.stamp(since)
}

// awaitListing waits until a whole listing that began after since is there, or a
// refresh has failed.
func (s *Snapshot) awaitListing(ctx context.Context, since time.Time) error {
	for {
		refreshed := *s.refreshed.Load()
		if s.wasListedSince(since) || s.failing.Failing() {
			return nil
		}
		select {
		case <-refreshed:
		case <-ctx.Done():
			err := lsapi.Errorf(lsapi.CodeTimeout, "the deadline passed before AWS had listed its load balancers; nothing was changed")
			err.Err = context.Cause(ctx)
			return err
		case <-s.base.Done():
			return nil
		}
	}
}

// announce wakes those who wait for a listing.
func (s *Snapshot) announce() {
	next := make(chan struct{})
	close(*s.refreshed.Swap(&next))
}
