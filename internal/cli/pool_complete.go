package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/client"
	"lsapi/internal/sanitize"
)

const (
	// completionTimeout bounds the wait after Tab.
	completionTimeout = 2 * time.Second
	maxCompletions    = 500
	// recentDetaches is the number of detaches searched for members to attach again.
	recentDetaches = 50
)

// argumentCompleter completes arguments. It reports no errors, which would disturb the command
// line.
type argumentCompleter = func(c *cobra.Command, given []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective)

// completeWith returns an argumentCompleter that calls complete with a client.
func completeWith(p Process, complete func(ctx context.Context, service *remote, given []string, prefix string) []cobra.Completion) argumentCompleter {
	return func(c *cobra.Command, given []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		service, err := connect(c, p)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer service.Close()
		ctx, cancel := context.WithTimeout(c.Context(), completionTimeout)
		defer cancel()
		return complete(ctx, service, given, prefix), cobra.ShellCompDirectiveNoFileComp
	}
}

// complete completes at most n pools that are not given yet; -1 is no limit.
func (g poolGroup) complete(n int) argumentCompleter {
	return completeWith(g.p, func(ctx context.Context, service *remote, given []string, prefix string) []cobra.Completion {
		if len(given) == n {
			return nil
		}
		return without(g.like(ctx, service, prefix), given)
	})
}

// completed are the members that a command completes.
type completed struct {
	members bool // of the pool
	former  bool // those that drain, or that lsapi detached lately
}

// completeMembers completes pools as the first argument, then members of the first.
func (g poolGroup) completeMembers(which completed) argumentCompleter {
	return completeWith(g.p, func(ctx context.Context, service *remote, given []string, prefix string) []cobra.Completion {
		if len(given) == 0 {
			return g.last(ctx, service, prefix)
		}
		pools, err := g.pools(ctx, service, strings.Split(given[0], ",")[:1])
		if err != nil {
			return nil
		}
		pool, err := service.Pool(ctx, pools[0], client.ReadOptions{})
		if err != nil {
			return nil
		}
		var found []cobra.Completion
		for _, m := range pool.Members {
			if m.Attached && which.members || !m.Attached && which.former {
				found = append(found, cobra.CompletionWithDesc(m.Member, describe(m)))
			}
		}
		if which.former {
			found = append(found, recentlyDetached(ctx, service, pools[0], pool.Members)...)
		}
		return without(found, given[1:])
	})
}

// last completes the last of the pools in a list.
func (g poolGroup) last(ctx context.Context, service *remote, list string) []cobra.Completion {
	comma := strings.LastIndexByte(list, ',') + 1
	found := without(g.like(ctx, service, list[comma:]), strings.Split(list, ","))
	for i := range found {
		found[i] = list[:comma] + found[i]
	}
	return found
}

// like returns the pools whose ids start with prefix. A group that takes ids returns names
// alone for the prefix of a name.
func (g poolGroup) like(ctx context.Context, service *remote, prefix string) []cobra.Completion {
	query, shown, ok := g.queryOf(prefix)
	if !ok {
		return nil
	}
	var found []cobra.Completion
	for pool, err := range service.AllPools(ctx, query) {
		if err != nil || len(found) == maxCompletions {
			break
		}
		if text := shown(pool); strings.HasPrefix(text, prefix) {
			found = append(found, text)
		}
	}
	return found
}

// queryOf returns the query for the pools that a prefix can stand for, and what to show of
// each; false if it stands for none.
func (g poolGroup) queryOf(prefix string) (query client.PoolsQuery, shown func(apiv1.Pool) string, ok bool) {
	query.Kind, shown = g.kind, g.shown
	kind, name, prefixed := strings.Cut(prefix, "/")
	switch {
	case prefixed:
		query.Kind, shown = lsapi.Kind(kind), func(p apiv1.Pool) string { return p.Pool }
		if !query.Kind.IsKnown() || g.kind != "" && query.Kind != g.kind {
			return query, shown, false
		}
	case g.kind == "" && prefix == "":
	case g.kind == "" && kindOf(prefix) != "":
		query.Kind, name = kindOf(prefix), ""
	default:
		name, shown = prefix, func(p apiv1.Pool) string { return p.Name }
	}
	query.Name = name + "*"
	return query, shown, name == "" || lsapi.ValidPoolName(strings.TrimSuffix(name, "-"))
}

// kindOf returns the kind that begins with prefix, empty for none.
func kindOf(prefix string) lsapi.Kind {
	for _, kind := range []lsapi.Kind{lsapi.KindELB, lsapi.KindTG} {
		if strings.HasPrefix(string(kind), prefix) {
			return kind
		}
	}
	return ""
}

// recentlyDetached returns what lsapi detached from a pool, the latest first, and is neither
// a member nor draining.
func recentlyDetached(ctx context.Context, service *remote, pool lsapi.PoolID, members []apiv1.Member) []cobra.Completion {
	page, err := service.Changes(ctx, client.ChangesQuery{Pool: pool, Action: lsapi.Detach, Outcome: lsapi.OutcomeApplied, Limit: recentDetaches})
	if err != nil {
		return nil
	}
	var found []cobra.Completion
	for _, change := range page.Changes {
		if slices.ContainsFunc(members, func(m apiv1.Member) bool { return m.Member == change.Member }) {
			continue
		}
		found = append(found, cobra.CompletionWithDesc(change.Member, sanitize.Escape("detached by "+change.Actor+" at "+clock(change.IntendedAt))))
	}
	return found
}

// describe describes a member for a completion.
func describe(m apiv1.Member) string {
	text := healthCell(m).Text
	if m.Name != "" {
		text = strings.TrimSpace(m.Name + " " + text)
	}
	return sanitize.Escape(text)
}

// without removes duplicates and the arguments that are already given.
func without(found []cobra.Completion, given []string) []cobra.Completion {
	used := slices.Clone(given)
	return slices.DeleteFunc(found, func(c cobra.Completion) bool {
		name, _, _ := strings.Cut(c, "\t")
		duplicate := slices.Contains(used, name)
		used = append(used, name)
		return duplicate
	})
}
