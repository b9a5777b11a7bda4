package record

import (
	"context"
	"maps"
	"slices"

	"lsapi"
)

// MemberHistory implements Store.
func (r Record) MemberHistory(ctx context.Context, loadBalancer string, instanceIDs []string) (map[string]lsapi.MemberHistory, error) {
	return Read(ctx, r, func(t Tables) (map[string]lsapi.MemberHistory, error) {
		s := standings{tables: t, loadBalancer: loadBalancer}
		if err := s.read(ctx, instanceIDs); err != nil {
			return nil, err
		}
		return s.all(ctx)
	})
}

// standings are put together from what is kept of a load balancer's instances.
type standings struct {
	tables       Tables
	loadBalancer string

	instances []string
	members   Members
	healths   Healths
}

// read reads the projections, of all instances when there are no ids.
func (s *standings) read(ctx context.Context, ids []string) (err error) {
	if ids == nil {
		if s.members, err = s.tables.Members(ctx, s.loadBalancer); err != nil {
			return err
		}
		s.healths, err = s.tables.Health(ctx, s.loadBalancer)
		all := slices.AppendSeq(slices.Collect(maps.Keys(s.members)), maps.Keys(s.healths))
		slices.Sort(all)
		s.instances = slices.Compact(all)
		return err
	}
	s.instances = ids
	if s.members, err = s.tables.MembersOf(ctx, s.loadBalancer, ids); err != nil {
		return err
	}
	s.healths, err = s.tables.HealthOf(ctx, s.loadBalancer, ids)
	return err
}

func (s *standings) all(ctx context.Context) (map[string]lsapi.MemberHistory, error) {
	found := make(map[string]lsapi.MemberHistory, len(s.instances))
	for _, instance := range s.instances {
		var standing lsapi.MemberHistory
		if row, ok := s.healths[instance]; ok {
			standing.Health, standing.HealthSince = &row.MemberHealth, row.Since
		}
		found[instance] = standing
	}
	explained, err := explain(ctx, s.tables, s.loadBalancer, s.members)
	if err != nil {
		return nil, err
	}
	for _, m := range explained {
		standing := found[m.InstanceID]
		standing.Member, standing.Since, standing.ChangeID, standing.Source = true, m.Since, m.ChangeID, m.Source
		found[m.InstanceID] = standing
	}
	last, err := s.tables.LastChanges(ctx, s.loadBalancer, s.instances)
	if err != nil {
		return nil, err
	}
	for _, c := range last {
		standing := found[c.InstanceID]
		standing.LastChange = &c.Change
		found[c.InstanceID] = standing
	}
	return found, nil
}
