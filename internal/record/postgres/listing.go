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

// refreshTurn is the lease of who lists the region for all. No load balancer can
// have this name.
const refreshLease = "the refresh for all"

// refresh publishes what this process lists while it leads.
type refresh struct {
	leases *leases

	// busy holds one while the database is asked, so that who waits for the end of that
	// waits no longer than for its own context. It guards what follows.
	busy  chan struct{}
	lease lsapi.Lease // the zero value when this process does not lead
	// published is what stands in the database, by load balancer. Nil when this
	// process has not looked since it began to lead.
	published map[string]listing
}

func newRefresh(turns *leases) *refresh {
	return &refresh{leases: turns, busy: make(chan struct{}, 1)}
}

// begin waits until nothing else is under way; then end must be called.
func (r *refresh) begin(ctx context.Context) error {
	select {
	case r.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return record.Ended(ctx)
	}
}

func (r *refresh) end() { <-r.busy }

// errOlder is for a listing that began before the one that is published, which
// stays.
var errOlder = &lsapi.Error{Code: lsapi.CodeConflict, Err: errors.New("a later listing is published")}

// lead takes or keeps the right to refresh. It asks the database only when half of
// the time is over.
func (r *refresh) lead(ctx context.Context) (bool, error) {
	if err := r.begin(ctx); err != nil {
		return false, err
	}
	defer r.end()
	left := time.Until(r.lease.Until)
	if left > (leaseDuration-leaseMargin)/2 {
		return true, nil
	}
	lease, taken, err := r.renew(ctx)
	if err != nil {
		return left > 0, err
	}
	if !taken {
		r.lease, r.published = lsapi.Lease{}, nil
		return false, nil
	}
	r.lease = lease
	return true, nil
}

func (r *refresh) renew(ctx context.Context) (lease lsapi.Lease, taken bool, err error) {
	if r.lease.Epoch == 0 {
		if lease, taken, err = r.leases.try(ctx, refreshLease); err == nil && !taken {
			err = r.leases.trim(ctx, refreshLease)
		}
		return lease, taken, err
	}
	lease, err = r.leases.renew(ctx, r.lease)
	if isLeaseLost(err) {
		return lsapi.Lease{}, false, nil
	}
	return lease, err == nil, err
}

// release gives the right back.
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

// publish writes what differs from what was published last.
func (r *refresh) publish(ctx context.Context, asOf time.Time, all []lsapi.Membership) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.end()
	if r.lease.Epoch == 0 {
		return record.LeaseLost(refreshLease)
	}
	listed, err := encodeAll(all)
	if err != nil {
		return err
	}
	err = r.leases.write(ctx, func(ctx context.Context, t *tables) error {
		return r.write(ctx, t, asOf, listed)
	})
	switch {
	case errors.Is(err, errOlder):
		return nil
	case isLeaseLost(err):
		r.lease, r.published = lsapi.Lease{}, nil
		return err
	case err != nil:
		r.published = nil // it may have been written
		return err
	}
	r.published = listed
	return nil
}

func (r *refresh) write(ctx context.Context, t *tables, asOf time.Time, listed map[string]listing) error {
	now, err := r.leases.hold(ctx, t, r.lease)
	if err != nil {
		return err
	}
	// The database's clock was read before this one is: the listing is made older
	// by the time between, never younger.
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
	for name, l := range listed {
		if old, ok := before[name]; ok && old.equal(l) {
			continue
		}
		if err := t.queries.PutListed(ctx, postgresdb.PutListedParams{LoadBalancer: name, Version: version, Members: l.members, Description: l.description}); err != nil {
			return err
		}
	}
	for name := range before {
		if _, ok := listed[name]; ok {
			continue
		}
		if err := t.queries.PutListed(ctx, postgresdb.PutListedParams{LoadBalancer: name, Version: version, Gone: true, Members: []byte("[]")}); err != nil {
			return err
		}
	}
	return t.queries.DropGone(ctx, version-goneListings)
}

// published returns what was published last.
func published(ctx context.Context, t *tables) (map[string]listing, error) {
	rows, err := t.queries.Listed(ctx, 0)
	if err != nil {
		return nil, err
	}
	found := make(map[string]listing, len(rows))
	for _, row := range rows {
		if !row.Gone {
			found[row.LoadBalancer] = listing{row.Members, row.Description}
		}
	}
	return found, nil
}

// listing is a load balancer as it is published, in JSON; the description is nil
// when it is not known.
type listing struct{ members, description []byte }

func (l listing) equal(other listing) bool {
	return bytes.Equal(l.members, other.members) && bytes.Equal(l.description, other.description)
}

// listedInstance is an instance as it is published.
type listedInstance struct {
	ID             string              `json:"id"`
	Type           string              `json:"type,omitempty"`
	LaunchTime     time.Time           `json:"launchTime,omitzero"`
	State          lsapi.InstanceState `json:"state,omitempty"`
	Zone           string              `json:"zone,omitempty"`
	PrivateAddress string              `json:"privateAddress,omitempty"`
	Name           string              `json:"name,omitempty"`
}

// listedDescription is how a load balancer is set up, as it is published.
type listedDescription struct {
	DNSName     string            `json:"dnsName,omitempty"`
	Scheme      string            `json:"scheme,omitempty"`
	Zones       []string          `json:"zones,omitempty"`
	Listeners   []lsapi.Listener  `json:"listeners,omitempty"`
	HealthCheck lsapi.HealthCheck `json:"healthCheck,omitzero"`
	CreatedAt   time.Time         `json:"createdAt,omitzero"`
}

func encodeAll(all []lsapi.Membership) (map[string]listing, error) {
	encoded := make(map[string]listing, len(all))
	for _, m := range all {
		instances := make([]listedInstance, len(m.Members))
		for i, member := range m.Members {
			instances[i] = listedInstance{member.ID, record.Clean(member.Type), record.Exact(member.LaunchTime), member.State, member.Zone, member.PrivateAddress, record.Clean(member.Name)}
		}
		members, err := json.Marshal(instances)
		if err != nil {
			return nil, fmt.Errorf("encoding a membership: %w", err)
		}
		l := listing{members: members}
		if m.Description != nil {
			if l.description, err = json.Marshal((*listedDescription)(m.Description)); err != nil {
				return nil, fmt.Errorf("encoding a description: %w", err)
			}
		}
		encoded[m.LoadBalancer] = l
	}
	return encoded, nil
}

func decodeListed(row postgresdb.Listed) (lsapi.Membership, error) {
	var instances []listedInstance
	if err := json.Unmarshal(row.Members, &instances); err != nil {
		return lsapi.Membership{}, record.Damaged("decoding a membership", err)
	}
	m := lsapi.Membership{LoadBalancer: row.LoadBalancer, Members: make([]lsapi.Instance, len(instances))}
	for i, instance := range instances {
		m.Members[i] = lsapi.Instance(instance)
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

// Lead implements Replicas.
func (s *store) Lead(ctx context.Context) (bool, error) { return s.refresh.lead(ctx) }

// Publish implements Replicas.
func (s *store) Publish(ctx context.Context, asOf time.Time, all []lsapi.Membership) error {
	err := s.refresh.publish(ctx, asOf, all)
	if err == nil {
		s.notifier.notify(listingsChannel, "")
	}
	return err
}

// SharedListing implements Replicas.
func (s *store) SharedListing(ctx context.Context, after int64) (lsapi.SharedListing, error) {
	ctx, done := s.open(ctx)
	defer done()
	hints, forget := s.wakes.Wait(listingsChannel)
	defer forget()
	for {
		found, err := s.listing(ctx, after)
		if err != nil || found.Version > 0 {
			return found, err
		}
		timer := time.NewTimer(record.LookEvery)
		select {
		case <-hints:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return lsapi.SharedListing{}, record.Ended(ctx)
		}
	}
}

// listing returns the last listing, and what differs in it from an earlier one; the
// zero value when there is no other one.
func (s *store) listing(ctx context.Context, after int64) (found lsapi.SharedListing, err error) {
	err = s.read(ctx, 1, func(views []*tables) error {
		began := time.Now()
		row, err := views[0].queries.Listing(ctx)
		if err != nil || row.Version == after {
			return err
		}
		if row.AsOf.After(row.Now) {
			return nil // the clock was set back: its age is not known, and a next one comes soon
		}
		// This clock was read before the database's was: the listing is made older
		// by the time between, never younger.
		asOf := began.Add(-row.Now.Sub(row.AsOf))
		found = lsapi.SharedListing{Version: row.Version, AsOf: s.seen.notBefore(row.Version, asOf)}
		if after > row.Version || 0 < after && after < row.Version-goneListings { // the record was restored, or has forgotten
			found.Whole, after = true, 0
		}
		return differing(ctx, views[0], &found, after)
	})
	return found, err
}

// sighting is the last listing that this process has seen.
type sighting struct {
	mu      sync.Mutex
	version int64
	asOf    time.Time
}

// notBefore returns the time of a listing, which is not before that of an earlier
// one, however roughly the two clocks were compared.
func (s *sighting) notBefore(version int64, asOf time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if version < s.version {
		return asOf
	}
	s.version, s.asOf = version, record.Latest(s.asOf, asOf)
	return s.asOf
}

// differing adds what differs from an earlier listing; of nothing, nothing is gone.
func differing(ctx context.Context, t *tables, found *lsapi.SharedListing, after int64) error {
	rows, err := t.queries.Listed(ctx, after)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if row.Gone {
			if after > 0 {
				found.Gone = append(found.Gone, row.LoadBalancer)
			}
			continue
		}
		m, err := decodeListed(row)
		if err != nil {
			return err
		}
		found.LoadBalancers = append(found.LoadBalancers, m)
	}
	return nil
}
