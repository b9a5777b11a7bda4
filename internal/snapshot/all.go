package snapshot

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"lsapi"
)

// All returns every load balancer of the region, sorted by name, and when the
// asking began that the oldest of it rests on. It waits for a listing when the last
// one is older than the bound.
//
// When AWS cannot be read, or not within maxPatience, what is there is returned if
// it is not too old (MaxStaleOnError).
//
// Errors: those of Read, but CodeNotFound.
func (s *Snapshot) All(ctx context.Context) ([]lsapi.Membership, time.Time, error) {
	now := time.Now()
	s.touch(now)
	if !s.isListed(now) {
		if err := s.awaitAll(ctx, now); err != nil {
			return nil, time.Time{}, err
		}
	}
	asOf := s.at(s.listed.Load())
	slots := *s.slots.Load()
	all := make([]lsapi.Membership, 0, len(slots))
	for name := range slots {
		e, err := s.awaitEntry(ctx, name)
		switch {
		case lsapi.ErrorCode(err) == lsapi.CodeNotFound:
			continue // it has been deleted meanwhile
		case err != nil:
			return nil, time.Time{}, err
		case e.AsOf.Before(asOf):
			asOf = e.AsOf
		}
		all = append(all, e.membership(name))
	}
	slices.SortFunc(all, func(a, b lsapi.Membership) int { return strings.Compare(a.LoadBalancer, b.LoadBalancer) })
	return all, asOf, nil
}

// awaitAll waits until the listing may be served: because it began after the call,
// or because AWS cannot be read soon and the last one is not too old.
func (s *Snapshot) awaitAll(ctx context.Context, called time.Time) error {
	patient, cancel := ctx, context.CancelFunc(func() {})
	if s.isListingBearable() {
		patient, cancel = context.WithTimeout(ctx, maxPatience)
	}
	defer cancel()
	err := s.awaitListing(patient, called)
	switch {
	case s.isListingBearable():
		return nil
	case err != nil:
		return err
	}
	return errUnreadable()
}

// isListingBearable reports whether the last listing may be served when AWS cannot
// be read.
func (s *Snapshot) isListingBearable() bool {
	return time.Since(s.at(s.listed.Load())) <= s.o.MaxStaleOnError
}

// awaitEntry returns what is known of a load balancer. A listing tells that there is one
// before its instances are looked up: then it waits for them.
func (s *Snapshot) awaitEntry(ctx context.Context, name string) (*entry, error) {
	for {
		refreshed := *s.refreshed.Load()
		known, exists := s.current(name)
		switch {
		case known != nil:
			return known, nil
		case !exists:
			return nil, errNotFound(name)
		case s.failing.Failing():
			return nil, errUnreadable()
		}
		select {
		case <-refreshed:
		case <-ctx.Done():
			return nil, &lsapi.Error{Code: lsapi.CodeTimeout, Err: context.Cause(ctx)}
		case <-s.base.Done():
			return nil, errStopping()
		}
	}
}

// One returns a load balancer as Read does, and when the asking began that it rests
// on.
//
// Errors: those of Read.
func (s *Snapshot) One(ctx context.Context, loadBalancer string, fresh bool) (lsapi.Membership, time.Time, error) {
	if _, err := s.Read(ctx, loadBalancer, fresh); err != nil {
		return lsapi.Membership{}, time.Time{}, err
	}
	e, _ := s.current(loadBalancer)
	if e == nil {
		return lsapi.Membership{}, time.Time{}, errNotFound(loadBalancer) // deleted meanwhile
	}
	return e.membership(loadBalancer), e.AsOf, nil
}

func (e *entry) membership(name string) lsapi.Membership {
	return lsapi.Membership{LoadBalancer: name, Members: e.members, Description: e.description}
}

// Names returns the names of the load balancers that are known now, sorted.
func (s *Snapshot) Names() []string {
	return slices.Sorted(maps.Keys(*s.slots.Load()))
}

// Touch counts as a read: refreshes go on.
func (s *Snapshot) Touch() { s.touch(time.Now()) }
