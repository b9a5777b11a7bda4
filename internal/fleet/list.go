package fleet

import (
	"cmp"
	"context"
	"path"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"lsapi"
)

// Pools returns a page of the pools that match the filter, in PoolID's order.
//
// Tags and health that cannot be read in time are left out, unless the filter needs them:
// then it returns the error.
func (f *Fleet) Pools(ctx context.Context, filter lsapi.FleetFilter) (lsapi.PoolsPage, error) {
	if _, err := path.Match(filter.Name, ""); err != nil {
		return lsapi.PoolsPage{}, lsapi.Errorf(lsapi.CodeInvalid, "the pattern of names is malformed")
	}
	all, err := f.o.Lists.All(ctx, filter.Kind)
	if err != nil {
		return lsapi.PoolsPage{}, err
	}
	page, rest := lsapi.PoolsPage{Outdated: all.Outdated}, matchListed(all.Pools, filter)
	if len(filter.Tags) == 0 && filter.Health == "" {
		n := min(filter.Limit, len(rest))
		page.Pools, page.More = f.summaries(ctx, rest[:n]), n < len(rest)
		return page, nil
	}
	for len(rest) > 0 && len(page.Pools) <= filter.Limit {
		n := min(filterBatch, len(rest))
		matches, err := f.match(ctx, rest[:n], filter)
		if err != nil {
			return lsapi.PoolsPage{}, err
		}
		page.Pools, rest = append(page.Pools, matches...), rest[n:]
	}
	if len(page.Pools) > filter.Limit {
		page.Pools, page.More = page.Pools[:filter.Limit], true
	}
	return page, nil
}

// matchListed returns the pools after filter.After that match what the listing shows:
// all of the filter but kind, tags and health.
func matchListed(all []lsapi.Membership, filter lsapi.FleetFilter) []lsapi.Membership {
	first, _ := slices.BinarySearchFunc(all, filter.After, func(m lsapi.Membership, after lsapi.PoolID) int {
		return cmp.Or(m.Pool.Compare(after), -1) // exclude After itself
	})
	if filter.Name == "" && filter.Instance == "" && filter.VPC == "" {
		return all[first:]
	}
	return keep(all[first:], func(m lsapi.Membership) bool {
		if filter.Name != "" {
			if matches, _ := path.Match(filter.Name, m.Pool.Name); !matches {
				return false
			}
		}
		if filter.VPC != "" && (m.Description == nil || m.Description.VPCID != filter.VPC) {
			return false
		}
		if filter.Instance == "" {
			return true
		}
		return hasInstance(m, filter.Instance)
	})
}

// summaries returns summaries with the tags and health that can be read in time.
func (f *Fleet) summaries(ctx context.Context, memberships []lsapi.Membership) []lsapi.PoolSummary {
	short, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	page := newSummaries(memberships)
	var parts sync.WaitGroup
	parts.Go(func() { f.addTags(short, ctx, page) })
	parts.Go(func() { note(ctx, f.sources.health, f.addHealth(short, memberships, page)) })
	parts.Wait()
	return page
}

// match returns summaries of the pools that match the filter's tags and health.
func (f *Fleet) match(ctx context.Context, memberships []lsapi.Membership, filter lsapi.FleetFilter) ([]lsapi.PoolSummary, error) {
	if len(filter.Tags) > 0 {
		tags, err := f.tags.get(ctx, names(newSummaries(memberships))...)
		if err != nil {
			return nil, err
		}
		memberships = keep(memberships, func(m lsapi.Membership) bool { return hasTags(tags[m.Pool], filter.Tags) })
	}
	if filter.Health == "" {
		return f.summaries(ctx, memberships), nil
	}
	page := newSummaries(memberships)
	if err := f.addHealth(ctx, memberships, page); err != nil {
		return nil, err
	}
	page = keep(page, func(s lsapi.PoolSummary) bool { return s.Health != nil && s.Health.Of(filter.Health) > 0 })
	short, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	f.addTags(short, ctx, page)
	return page, nil
}

func (f *Fleet) addTags(ctx, caller context.Context, page []lsapi.PoolSummary) {
	tags := f.tagsOf(ctx, caller, names(page)...)
	for i := range page {
		page[i].Tags = tags[page[i].ID]
	}
}

// addHealth adds health to the summaries, in the order of memberships. It returns the first
// error; a pool that does not exist any more is none. Pools whose members are read one by
// one have the health that came with them.
func (f *Fleet) addHealth(ctx context.Context, memberships []lsapi.Membership, page []lsapi.PoolSummary) error {
	var polls errgroup.Group
	polls.SetLimit(maxPolls)
	for i, m := range memberships {
		if m.MembersUnlisted {
			if m.Health != nil {
				page[i].Health, page[i].HealthAsOf = countHealth(m.Members, m.Health), m.Health.AsOf
			}
			continue
		}
		polls.Go(func() error {
			report, err := f.o.Health.Recent(ctx, m.Pool, listedHealthAge)
			if err == nil {
				page[i].Health, page[i].HealthAsOf = countHealth(m.Members, &report), report.AsOf
			} else if lsapi.ErrorCode(err) == lsapi.CodeNotFound {
				return nil
			}
			return err
		})
	}
	return polls.Wait()
}

func newSummaries(memberships []lsapi.Membership) []lsapi.PoolSummary {
	page := make([]lsapi.PoolSummary, len(memberships))
	for i, m := range memberships {
		page[i] = newSummary(m)
	}
	return page
}

func newSummary(m lsapi.Membership) lsapi.PoolSummary {
	return lsapi.PoolSummary{ID: m.Pool, Description: m.Description, MemberCount: len(m.Members), AsOf: m.AsOf}
}

// countHealth counts members by their health, and those that drain.
func countHealth(members []lsapi.Member, report *lsapi.HealthReport) *lsapi.HealthCounts {
	byID := make(map[lsapi.MemberID]lsapi.MemberHealth, len(report.Members))
	var counts lsapi.HealthCounts
	for _, h := range report.Members {
		byID[h.Member] = h
		if h.Draining {
			counts.Draining++
		}
	}
	for _, m := range members {
		switch h := byID[m.ID]; {
		case h.Draining: // detached since it was listed
		case h.State == lsapi.InService:
			counts.InService++
		case h.State == lsapi.OutOfService:
			counts.OutOfService++
		default:
			counts.Unknown++
		}
	}
	return &counts
}

// hasTags reports whether tags contain the required ones. An empty value matches any.
func hasTags(tags, required map[string]string) bool {
	for key, value := range required {
		if has, ok := tags[key]; !ok || value != "" && has != value {
			return false
		}
	}
	return true
}

func names(page []lsapi.PoolSummary) []lsapi.PoolID {
	pools := make([]lsapi.PoolID, len(page))
	for i := range page {
		pools[i] = page[i].ID
	}
	return pools
}

// keep returns the matching elements in a new slice.
func keep[T any](all []T, matches func(T) bool) []T {
	var kept []T
	for _, one := range all {
		if matches(one) {
			kept = append(kept, one)
		}
	}
	return kept
}
