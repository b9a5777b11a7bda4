package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"lsapi"
	"lsapi/internal/record"
	"lsapi/internal/record/postgres/postgresdb"
)

// refreshLease is the lease to list the region for all replicas. No pool can have
// this name.
const refreshLease = "the refresh for all"

// refresh publishes this process's listings while it leads.
type refresh struct {
	leases *leases

	// busy holds one value during a query, so that others wait no longer than their
	// contexts. It guards what follows.
	busy  chan struct{}
	lease lsapi.Lease // the zero value when this process does not lead
	// published are the listings in the database, without those that this process has not
	// read since it began to lead.
	published map[lsapi.Kind]publishedListing
}

// publishedListing is the last whole listing of a kind.
type publishedListing struct {
	asOf  time.Time // by the database's clock
	pools map[lsapi.PoolID]listing
}

func newRefresh(l *leases) *refresh {
	return &refresh{leases: l, busy: make(chan struct{}, 1), published: make(map[lsapi.Kind]publishedListing)}
}

// begin waits for the end of other queries; the caller must call end.
func (r *refresh) begin(ctx context.Context) error {
	select {
	case r.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return record.Ended(ctx)
	}
}

func (r *refresh) end() { <-r.busy }

// errOlder is for a listing that began before the published one.
var errOlder = &lsapi.Error{Code: lsapi.CodeConflict, Err: errors.New("a later listing is published")}

// lead acquires or keeps the right to refresh. It renews the lease after half of its
// duration.
func (r *refresh) lead(ctx context.Context) (bool, error) {
	if err := r.begin(ctx); err != nil {
		return false, err
	}
	defer r.end()
	left := time.Until(r.lease.Until)
	if left > (leaseDuration-leaseMargin)/2 {
		return true, nil
	}
	lease, held, err := r.renew(ctx)
	if err != nil {
		return left > 0, err
	}
	if !held {
		r.resign()
		return false, nil
	}
	r.lease = lease
	return true, nil
}

func (r *refresh) renew(ctx context.Context) (lease lsapi.Lease, held bool, err error) {
	if r.lease.Epoch == 0 {
		if lease, held, err = r.leases.try(ctx, lsapi.ELB(refreshLease)); err == nil && !held {
			err = r.leases.trim(ctx, lsapi.ELB(refreshLease))
		}
		return lease, held, err
	}
	lease, err = r.leases.renew(ctx, r.lease)
	if errors.Is(err, lsapi.ErrLeaseLost) {
		return lsapi.Lease{}, false, nil
	}
	return lease, err == nil, err
}

func (r *refresh) release(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.end()
	if r.lease.Epoch == 0 {
		return nil
	}
	lease := r.lease
	r.resign()
	return r.leases.release(ctx, lease)
}

// resign notes that this process does not lead.
func (r *refresh) resign() {
	r.lease = lsapi.Lease{}
	clear(r.published)
}

// publish writes what differs from the published listing.
func (r *refresh) publish(ctx context.Context, state lsapi.KindListing, all []lsapi.Membership) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.end()
	if r.lease.Epoch == 0 {
		return record.LeaseLost(lsapi.ELB(refreshLease))
	}
	pools, err := encodeListing(all)
	if err != nil {
		return err
	}
	var next publishedListing
	err = r.leases.write(ctx, func(ctx context.Context, t *tables) (err error) {
		next, err = r.write(ctx, t, state, pools)
		return err
	})
	switch {
	case errors.Is(err, errOlder):
		return nil
	case errors.Is(err, lsapi.ErrLeaseLost):
		r.resign()
		return err
	case err != nil:
		delete(r.published, state.Kind) // it may have been written
		return err
	}
	r.published[state.Kind] = next
	return nil
}

func (r *refresh) write(ctx context.Context, t *tables, state lsapi.KindListing, pools map[lsapi.PoolID]listing) (next publishedListing, err error) {
	now, err := r.leases.hold(ctx, t, r.lease)
	if err != nil {
		return next, err
	}
	before, ok := r.published[state.Kind]
	if !ok {
		if before, err = published(ctx, t, state.Kind); err != nil {
			return next, err
		}
	}
	next = before
	if state.Failure == "" {
		// The database's clock was read before this process's: the listing becomes older by
		// the difference, never newer.
		next = publishedListing{now.Add(-time.Since(state.AsOf)), pools}
	}
	if before.asOf.After(next.asOf) && !before.asOf.After(now) { // a time in the future is of a clock that was set back
		return next, errOlder
	}
	version, err := t.queries.MoveListing(ctx)
	if err != nil {
		return next, err
	}
	if err := putDifferences(ctx, t, version, before.pools, next.pools); err != nil {
		return next, err
	}
	description, err := json.Marshal(listingState{next.asOf, state.Failure, state.Denied})
	if err != nil {
		return next, fmt.Errorf("encoding the state of a listing: %w", err)
	}
	err = t.queries.PutListed(ctx, postgresdb.PutListedParams{Pool: rowOf(state.Kind), Version: version, Members: []byte("[]"), Description: description})
	if err != nil {
		return next, err
	}
	return next, t.queries.DropGone(ctx, postgresdb.DropGoneParams{Version: version - goneListings, Kind: rowOf(state.Kind)})
}

// listingState is the state of the listing of a kind in JSON, without its pools.
type listingState struct {
	AsOf    time.Time  `json:"asOf,omitzero"` // by the database's clock
	Failure lsapi.Code `json:"failure,omitempty"`
	Denied  bool       `json:"denied,omitempty"`
}

// rowOf returns the pool of the row of a kind, which is the begin of those of its pools.
func rowOf(kind lsapi.Kind) string {
	return lsapi.PoolID{Scope: lsapi.DefaultScope, Kind: kind}.String()
}

// putDifferences writes the pools that differ between two listings.
func putDifferences(ctx context.Context, t *tables, version int64, before, next map[lsapi.PoolID]listing) error {
	for pool, l := range next {
		if old, ok := before[pool]; ok && old.equal(l) {
			continue
		}
		if err := t.queries.PutListed(ctx, postgresdb.PutListedParams{Pool: pool.String(), Version: version, Members: l.members, Description: l.description}); err != nil {
			return err
		}
	}
	for pool := range before {
		if _, ok := next[pool]; ok {
			continue
		}
		if err := t.queries.PutListed(ctx, postgresdb.PutListedParams{Pool: pool.String(), Version: version, Gone: true, Members: []byte("[]")}); err != nil {
			return err
		}
	}
	return nil
}

// published reads the last whole listing of a kind.
func published(ctx context.Context, t *tables, kind lsapi.Kind) (publishedListing, error) {
	rows, err := t.queries.Listed(ctx, postgresdb.ListedParams{Kind: rowOf(kind)})
	if err != nil {
		return publishedListing{}, err
	}
	found := publishedListing{pools: make(map[lsapi.PoolID]listing, len(rows))}
	for _, row := range rows {
		if row.Gone {
			continue
		}
		pool, err := record.PoolOf(row.Pool)
		if err != nil {
			return publishedListing{}, err
		}
		found.pools[pool] = listing{row.Members, row.Description}
	}
	_, state, err := stateOf(ctx, t, kind)
	found.asOf = state.AsOf
	return found, err
}

// stateOf reads the row of a kind; zero values if there has been no listing.
func stateOf(ctx context.Context, t *tables, kind lsapi.Kind) (row postgresdb.ListingRow, state listingState, err error) {
	rows, err := t.queries.Listing(ctx, rowOf(kind))
	if err != nil || len(rows) == 0 {
		return row, state, err
	}
	if err := json.Unmarshal(rows[0].Description, &state); err != nil {
		return row, state, record.Damaged("decoding the state of a listing", err)
	}
	return rows[0], state, nil
}

// listing is a published pool in JSON. Members are null if they are unlisted; the description
// is nil if it is unknown.
type listing struct{ members, description []byte }

func (l listing) equal(other listing) bool {
	return bytes.Equal(l.members, other.members) && bytes.Equal(l.description, other.description)
}

// listedMember is a member with its instance.
type listedMember struct {
	ID               lsapi.MemberID      `json:"id"`
	Type             string              `json:"type,omitempty"`
	LaunchTime       time.Time           `json:"launchTime,omitzero"`
	State            lsapi.InstanceState `json:"state,omitempty"`
	Zone             string              `json:"zone,omitempty"`
	PrivateAddress   string              `json:"privateAddress,omitempty"`
	Name             string              `json:"name,omitempty"`
	AutoScalingGroup string              `json:"autoScalingGroup,omitempty"`
}

func newListedMember(m *lsapi.Member) listedMember {
	i := &m.Instance
	return listedMember{
		m.ID, record.Clean(i.Type), record.Exact(i.LaunchTime), i.State, i.Zone,
		i.PrivateAddress, record.Clean(i.Name), record.Clean(i.AutoScalingGroup),
	}
}

func (m *listedMember) member() lsapi.Member {
	return lsapi.Member{ID: m.ID, Instance: lsapi.Instance{
		ID: m.ID.Instance, Type: m.Type, LaunchTime: m.LaunchTime, State: m.State, Zone: m.Zone,
		PrivateAddress: m.PrivateAddress, Name: m.Name, AutoScalingGroup: m.AutoScalingGroup,
	}}
}

type listedDescription struct {
	ARN           string            `json:"arn,omitempty"`
	TargetType    lsapi.TargetType  `json:"targetType,omitempty"`
	Port          uint16            `json:"port,omitempty"`
	Protocol      string            `json:"protocol,omitempty"`
	LoadBalancers []string          `json:"loadBalancers,omitempty"`
	DNSName       string            `json:"dnsName,omitempty"`
	Scheme        string            `json:"scheme,omitempty"`
	VPCID         string            `json:"vpcId,omitempty"`
	Zones         []string          `json:"zones,omitempty"`
	Listeners     []lsapi.Listener  `json:"listeners,omitempty"`
	HealthCheck   lsapi.HealthCheck `json:"healthCheck,omitzero"`
	CreatedAt     time.Time         `json:"createdAt,omitzero"`
}

func encodeListing(all []lsapi.Membership) (map[lsapi.PoolID]listing, error) {
	encoded := make(map[lsapi.PoolID]listing, len(all))
	for _, m := range all {
		var listed []listedMember
		if !m.MembersUnlisted {
			listed = make([]listedMember, len(m.Members))
			for i := range m.Members {
				listed[i] = newListedMember(&m.Members[i])
			}
		}
		members, err := json.Marshal(listed)
		if err != nil {
			return nil, fmt.Errorf("encoding a membership: %w", err)
		}
		l := listing{members: members}
		if m.Description != nil {
			if l.description, err = json.Marshal((*listedDescription)(m.Description)); err != nil {
				return nil, fmt.Errorf("encoding a description: %w", err)
			}
		}
		encoded[m.Pool] = l
	}
	return encoded, nil
}

func decodeListed(pool lsapi.PoolID, row postgresdb.Listed) (lsapi.Membership, error) {
	var listed []listedMember
	if err := json.Unmarshal(row.Members, &listed); err != nil {
		return lsapi.Membership{}, record.Damaged("decoding a membership", err)
	}
	m := lsapi.Membership{Pool: pool, Members: make([]lsapi.Member, len(listed)), MembersUnlisted: listed == nil}
	for i := range listed {
		m.Members[i] = listed[i].member()
	}
	if row.Description == nil {
		return m, nil
	}
	d := new(listedDescription)
	if err := json.Unmarshal(row.Description, d); err != nil {
		return lsapi.Membership{}, record.Damaged("decoding a description", err)
	}
	m.Description = (*lsapi.Description)(d)
	return m, nil
}

// Lead implements record.Replicas.
func (s *store) Lead(ctx context.Context) (bool, error) { return s.refresh.lead(ctx) }

// Publish implements record.Replicas.
func (s *store) Publish(ctx context.Context, state lsapi.KindListing, all []lsapi.Membership) error {
	err := s.refresh.publish(ctx, state, all)
	if err == nil {
		s.notifier.notify(listingsChannel, "")
	}
	return err
}

// SharedListing implements record.Replicas.
func (s *store) SharedListing(ctx context.Context, kind lsapi.Kind, after int64) (found lsapi.SharedListing, err error) {
	err = s.await(ctx, listingsChannel, func(ctx context.Context) (done bool, err error) {
		found, err = s.listing(ctx, kind, after)
		return found.Version > 0, err
	})
	return found, err
}

// await looks after each notification on a channel, and at intervals without one, until
// look is done.
func (s *store) await(ctx context.Context, channel string, look func(context.Context) (done bool, err error)) error {
	ctx, done := s.whileOpen(ctx)
	defer done()
	hints, forget := s.hints.Wait(channel)
	defer forget()
	for {
		if done, err := look(ctx); done || err != nil {
			return err
		}
		if err := record.Pause(ctx, hints, record.LookEvery); err != nil {
			return err
		}
	}
}

// listing returns the published listing of a kind and its differences from an earlier
// version; the zero value when it is that version.
func (s *store) listing(ctx context.Context, kind lsapi.Kind, after int64) (found lsapi.SharedListing, err error) {
	err = s.read(ctx, func(t *tables) error {
		began := time.Now()
		row, state, err := stateOf(ctx, t, kind)
		if err != nil || row.Version == 0 || row.Version == after {
			return err
		}
		if state.AsOf.After(row.Now) {
			return nil // the clock was set back: its age is unknown, and another one follows soon
		}
		found = lsapi.SharedListing{Version: row.Version, KindListing: lsapi.KindListing{Kind: kind, Failure: state.Failure, Denied: state.Denied}}
		if !state.AsOf.IsZero() {
			// This process's clock was read before the database's: the listing becomes older by
			// the difference, never newer.
			found.AsOf = s.latest.notBefore(kind, row.Version, began.Add(-row.Now.Sub(state.AsOf)))
		}
		if after > row.Version || 0 < after && after < row.Version-goneListings { // the record was restored, or pruned
			found.Whole, after = true, 0
		}
		return addDifferences(ctx, t, &found, after)
	})
	return found, err
}

// latestListings are the last listings that were read.
type latestListings struct {
	mu     sync.Mutex
	byKind map[lsapi.Kind]latestListing
}

type latestListing struct {
	version int64
	asOf    time.Time
}

// notBefore returns the time of a listing, at least that of earlier ones of the kind:
// comparisons of clocks are imprecise.
func (l *latestListings) notBefore(kind lsapi.Kind, version int64, asOf time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	latest := l.byKind[kind]
	if version < latest.version {
		return asOf
	}
	if l.byKind == nil {
		l.byKind = make(map[lsapi.Kind]latestListing)
	}
	latest = latestListing{version, record.Latest(latest.asOf, asOf)}
	l.byKind[kind] = latest
	return latest.asOf
}

// addDifferences adds the differences from a version. From none, nothing is gone.
func addDifferences(ctx context.Context, t *tables, found *lsapi.SharedListing, after int64) error {
	rows, err := t.queries.Listed(ctx, postgresdb.ListedParams{Version: after, Kind: rowOf(found.Kind)})
	if err != nil {
		return err
	}
	for _, row := range rows {
		pool, err := record.PoolOf(row.Pool)
		if err != nil {
			return err
		}
		if row.Gone {
			if after > 0 {
				found.Gone = append(found.Gone, pool)
			}
			continue
		}
		m, err := decodeListed(pool, row)
		if err != nil {
			return err
		}
		found.Pools = append(found.Pools, m)
	}
	return nil
}
