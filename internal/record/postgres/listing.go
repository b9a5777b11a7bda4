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
	// published is the listing in the database, by pool; nil when this process
	// has not read it since it began to lead.
	published map[lsapi.PoolID]listing
}

func newRefresh(l *leases) *refresh {
	return &refresh{leases: l, busy: make(chan struct{}, 1)}
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
		r.lease, r.published = lsapi.Lease{}, nil
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
	r.lease, r.published = lsapi.Lease{}, nil
	return r.leases.release(ctx, lease)
}

// publish writes what differs from the published listing.
func (r *refresh) publish(ctx context.Context, asOf time.Time, all []lsapi.Membership) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.end()
	if r.lease.Epoch == 0 {
		return record.LeaseLost(lsapi.ELB(refreshLease))
	}
	listed, err := encodeListing(all)
	if err != nil {
		return err
	}
	err = r.leases.write(ctx, func(ctx context.Context, t *tables) error {
		return r.write(ctx, t, asOf, listed)
	})
	switch {
	case errors.Is(err, errOlder):
		return nil
	case errors.Is(err, lsapi.ErrLeaseLost):
		r.lease, r.published = lsapi.Lease{}, nil
		return err
	case err != nil:
		r.published = nil // it may have been written
		return err
	}
	r.published = listed
	return nil
}

func (r *refresh) write(ctx context.Context, t *tables, asOf time.Time, listed map[lsapi.PoolID]listing) error {
	now, err := r.leases.hold(ctx, t, r.lease)
	if err != nil {
		return err
	}
	// The database's clock was read before this process's: the listing becomes older by
	// the difference, never newer.
	asOf = now.Add(-time.Since(asOf))
	before := r.published
	if before == nil {
		if before, err = published(ctx, t); err != nil {
			return err
		}
	}
	versions, err := t.queries.MoveListing(ctx, asOf)
	if err != nil {
		return err
	}
	if len(versions) == 0 {
		return errOlder
	}
	version := versions[0]
	for pool, l := range listed {
		if old, ok := before[pool]; ok && old.equal(l) {
			continue
		}
		if err := t.queries.PutListed(ctx, postgresdb.PutListedParams{Pool: pool.String(), Version: version, Members: l.members, Description: l.description}); err != nil {
			return err
		}
	}
	for pool := range before {
		if _, ok := listed[pool]; ok {
			continue
		}
		if err := t.queries.PutListed(ctx, postgresdb.PutListedParams{Pool: pool.String(), Version: version, Gone: true, Members: []byte("[]")}); err != nil {
			return err
		}
	}
	return t.queries.DropGone(ctx, version-goneListings)
}

func published(ctx context.Context, t *tables) (map[lsapi.PoolID]listing, error) {
	rows, err := t.queries.Listed(ctx, 0)
	found := make(map[lsapi.PoolID]listing, len(rows))
	for _, row := range rows {
		if row.Gone {
			continue
		}
		pool, err := record.PoolOf(row.Pool)
		if err != nil {
			return nil, err
		}
		found[pool] = listing{row.Members, row.Description}
	}
	return found, err
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
func (s *store) Publish(ctx context.Context, asOf time.Time, all []lsapi.Membership) error {
	err := s.refresh.publish(ctx, asOf, all)
	if err == nil {
		s.notifier.notify(listingsChannel, "")
	}
	return err
}

// SharedListing implements record.Replicas.
func (s *store) SharedListing(ctx context.Context, after int64) (found lsapi.SharedListing, err error) {
	err = s.await(ctx, listingsChannel, func(ctx context.Context) (done bool, err error) {
		found, err = s.listing(ctx, after)
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

// listing returns the published listing and its differences from an earlier version; the
// zero value when it is that version.
func (s *store) listing(ctx context.Context, after int64) (found lsapi.SharedListing, err error) {
	err = s.read(ctx, func(t *tables) error {
		began := time.Now()
		row, err := t.queries.Listing(ctx)
		if err != nil || row.Version == after {
			return err
		}
		if row.AsOf.After(row.Now) {
			return nil // the clock was set back: its age is unknown, and another one follows soon
		}
		// This process's clock was read before the database's: the listing becomes older by
		// the difference, never newer.
		asOf := began.Add(-row.Now.Sub(row.AsOf))
		found = lsapi.SharedListing{Version: row.Version, AsOf: s.latest.notBefore(row.Version, asOf)}
		if after > row.Version || 0 < after && after < row.Version-goneListings { // the record was restored, or pruned
			found.Whole, after = true, 0
		}
		return addDifferences(ctx, t, &found, after)
	})
	return found, err
}

type latestListing struct {
	mu      sync.Mutex
	version int64
	asOf    time.Time
}

// notBefore returns the time of a listing, at least that of earlier ones: comparisons of
// clocks are imprecise.
func (l *latestListing) notBefore(version int64, asOf time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if version < l.version {
		return asOf
	}
	l.version, l.asOf = version, record.Latest(l.asOf, asOf)
	return l.asOf
}

// addDifferences adds the differences from a version. From none, nothing is gone.
func addDifferences(ctx context.Context, t *tables, found *lsapi.SharedListing, after int64) error {
	rows, err := t.queries.Listed(ctx, after)
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
