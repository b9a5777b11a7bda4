package snapshot

import (
	"errors"
	"slices"
	"time"

	"lsapi"
)

// listedPage is a page of the listing or a part of one.
type listedPage struct {
	pools   []lsapi.Pool
	asked   time.Time // the begin of its request
	missing []string  // unknown instances
}

// errOutdated ends a refresh whose lookups took so long that the overlay may no longer hold
// the changes since the request of a page.
var errOutdated = errors.New("the page is too old to be published")

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
	s.release(p.asked, func(pool lsapi.PoolID) (done bool, err error) { return shown[pool], nil })
}

// byListing separates the pools that AWS lists with their members from the others.
func byListing(page []lsapi.Pool) (listed, unlisted []lsapi.Pool) {
	if !slices.ContainsFunc(page, func(p lsapi.Pool) bool { return p.MembersUnlisted }) {
		return page, nil
	}
	for _, p := range page {
		if p.MembersUnlisted {
			unlisted = append(unlisted, p)
		} else {
			listed = append(listed, p)
		}
	}
	return listed, unlisted
}

// describe stores the descriptions of pools that are listed without members.
func (s *Snapshot) describe(unlisted []lsapi.Pool) {
	pools := make([]lsapi.PoolID, len(unlisted))
	for i := range unlisted {
		pools[i] = unlisted[i].ID
	}
	for i, sl := range s.slotsFor(pools...) {
		sl.description.Store(unlisted[i].Description)
		sl.polled.is.Store(true)
	}
}
