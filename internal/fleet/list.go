package fleet

import (
	"cmp"
	"context"
	"path"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lsapi"
)

// LoadBalancers returns the load balancers that the filter lets through, by name,
// and whether there are more of them behind the page.
//
// Tags and health that cannot be read in time are left out of it, unless the filter
// asks for them: then nothing can be said of who has them, and the error is what
// keeps them from being read.
func (f *Fleet) LoadBalancers(ctx context.Context, filter lsapi.FleetFilter) (page []lsapi.PoolSummary, more bool, err error) {
	if _, err := path.Match(filter.Name, ""); err != nil {
		return nil, false, lsapi.Errorf(lsapi.CodeInvalid, "the pattern of names is malformed")
	}
	all, asOf, err := f.o.Lists.All(ctx)
	if err != nil {
		return nil, false, err
	}
	rest := named(all, filter)
	if len(filter.Tags) == 0 && filter.Health == "" {
		n := min(filter.Limit, len(rest))
		return f.summaries(ctx, rest[:n], asOf), n < len(rest), nil
	}
	for len(rest) > 0 && len(page) <= filter.Limit {
		n := min(scanned, len(rest))
		some, err := f.selected(ctx, rest[:n], asOf, filter)
		if err != nil {
			return nil, false, err
		}
		page, rest = append(page, some...), rest[n:]
	}
	if len(page) > filter.Limit {
		return page[:filter.Limit], true, nil
	}
	return page, false, nil
}

// named returns the load balancers behind the filter's place whose names it lets
// through.
func named(all []lsapi.Membership, filter lsapi.FleetFilter) []lsapi.Membership {
	first, _ := slices.BinarySearchFunc(all, filter.After, func(m lsapi.Membership, after string) int {
		return cmp.Or(cmp.Compare(m.LoadBalancer, after), -1) // behind it
	})
	if filter.Name == "" {
		return all[first:]
	}
	var found []lsapi.Membership
	for _, m := range all[first:] {
		if matches, _ := path.Match(filter.Name, m.LoadBalancer); matches {
			found = append(found, m)
		}
	}
	return found
}

// summaries returns the load balancers with what can be read of them in time.
func (f *Fleet) summaries(ctx context.Context, some []lsapi.Membership, asOf time.Time) []lsapi.PoolSummary {
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	page := newSummaries(some, asOf)
	var tags map[string]map[string]string
	var both sync.WaitGroup
	both.Go(func() { tags = f.tagsOf(patient, ctx, namesOf(some)...) })
	both.Go(func() { f.note(ctx, f.troubles.health, f.addHealth(patient, some, page)) })
	both.Wait()
	for i := range page {
		page[i].Tags = tags[page[i].Name]
	}
	return page
}

// selected returns those of the load balancers that the filter lets through.
func (f *Fleet) selected(ctx context.Context, some []lsapi.Membership, asOf time.Time, filter lsapi.FleetFilter) ([]lsapi.PoolSummary, error) {
	if len(filter.Tags) > 0 {
		tags, err := f.tags.of(ctx, namesOf(some)...)
		if err != nil {
			return nil, err
		}
		some = keep(some, func(m lsapi.Membership) bool { return hasTags(tags[m.LoadBalancer], filter.Tags) })
	}
	if filter.Health == "" {
		return f.summaries(ctx, some, asOf), nil
	}
	page := newSummaries(some, asOf)
	if err := f.addHealth(ctx, some, page); err != nil {
		return nil, err
	}
	page = keep(page, func(s lsapi.PoolSummary) bool { return s.Health != nil && s.Health.Of(filter.Health) > 0 })
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	names := make([]string, len(page))
	for i := range page {
		names[i] = page[i].Name
	}
	tags := f.tagsOf(patient, ctx, names...)
	for i := range page {
		page[i].Tags = tags[page[i].Name]
	}
	return page, nil
}

// addHealth adds to each summary the health of its load balancer, as far as it can
// be read before ctx ends, and returns what keeps one from being read. A load
// balancer that is gone has none.
func (f *Fleet) addHealth(ctx context.Context, some []lsapi.Membership, page []lsapi.PoolSummary) error {
	var polls errgroup.Group
	polls.SetLimit(maxPolls)
	for i := range some {
		polls.Go(func() error {
			report, err := f.o.Health.Recent(ctx, some[i].LoadBalancer, listedHealthAge)
			if err == nil {
				page[i].Health, page[i].HealthAsOf = countHealth(some[i].Members, report), report.AsOf
			} else if lsapi.ErrorCode(err) == lsapi.CodeNotFound {
				return nil
			}
			return err
		})
	}
	return polls.Wait()
}

func newSummaries(some []lsapi.Membership, asOf time.Time) []lsapi.PoolSummary {
	page := make([]lsapi.PoolSummary, len(some))
	for i, m := range some {
		page[i] = newSummary(m, asOf)
	}
	return page
}

func newSummary(m lsapi.Membership, asOf time.Time) lsapi.PoolSummary {
	return lsapi.PoolSummary{Name: m.LoadBalancer, Description: m.Description, Members: len(m.Members), AsOf: asOf}
}

// countHealth counts what a report says of the members, and of whom is being
// drained.
func countHealth(members []lsapi.Instance, report lsapi.HealthReport) *lsapi.HealthCounts {
	said := make(map[string]lsapi.MemberHealth, len(report.Members))
	var counts lsapi.HealthCounts
	for _, h := range report.Members {
		said[h.InstanceID] = h
		if h.Draining {
			counts.Draining++
		}
	}
	for _, m := range members {
		switch h := said[m.ID]; {
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

// hasTags reports whether all that is wanted is there. An empty value is any.
func hasTags(tags, wanted map[string]string) bool {
	for key, value := range wanted {
		if has, ok := tags[key]; !ok || value != "" && has != value {
			return false
		}
	}
	return true
}

func namesOf(some []lsapi.Membership) []string {
	names := make([]string, len(some))
	for i, m := range some {
		names[i] = m.LoadBalancer
	}
	return names
}

// keep returns those that are good, and leaves the slice as it is.
func keep[T any](all []T, isGood func(T) bool) []T {
	var good []T
	for _, one := range all {
		if isGood(one) {
			good = append(good, one)
		}
	}
	return good
}
