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
	// recentDetaches is the number of detaches searched for instances to attach again.
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

// like returns the pools whose ids start with prefix. Where the group takes ids with a
// kind, it returns names alone for the prefix of a name.
func (g poolGroup) like(ctx context.Context, service *remote, prefix string) []cobra.Completion {
	const path = string(lsapi.KindELB) + "/"
	if g.kind != "" || !strings.HasPrefix(prefix, path) && !strings.HasPrefix(path, prefix) {
		return namesLike(ctx, service, prefix)
	}
	names := namesLike(ctx, service, strings.TrimPrefix(prefix, path[:min(len(prefix), len(path))]))
	for i := range names {
		names[i] = path + names[i]
	}
	return names
}

// completeInstances completes a load balancer as the first argument, then its members, or
// if members is false, draining and recently detached instances.
func completeInstances(p Process, members bool) argumentCompleter {
	return completeWith(p, func(ctx context.Context, service *remote, given []string, prefix string) []cobra.Completion {
		if len(given) == 0 {
			return namesLike(ctx, service, prefix)
		}
		if !lsapi.ValidPoolName(given[0]) {
			return nil
		}
		pool, err := service.Pool(ctx, lsapi.ELB(given[0]), client.ReadOptions{})
		if err != nil {
			return nil
		}
		var found []cobra.Completion
		for _, m := range pool.Members {
			if m.Attached == members {
				found = append(found, cobra.CompletionWithDesc(m.Member, describe(m)))
			}
		}
		if !members {
			found = append(found, recentlyDetached(ctx, service, pool)...)
		}
		return without(found, given[1:])
	})
}

// namesLike returns the load balancers whose names start with prefix.
func namesLike(ctx context.Context, service *remote, prefix string) []cobra.Completion {
	if prefix != "" && !lsapi.ValidPoolName(strings.TrimSuffix(prefix, "-")) {
		return nil
	}
	var names []cobra.Completion
	for b, err := range service.AllPools(ctx, client.PoolsQuery{Kind: lsapi.KindELB, Name: prefix + "*"}) {
		if err != nil || len(names) == maxCompletions {
			break
		}
		names = append(names, b.Name)
	}
	return names
}

// recentlyDetached returns instances that lsapi detached, the latest first, and that are
// neither members nor draining.
func recentlyDetached(ctx context.Context, service *remote, pool apiv1.PoolDetail) []cobra.Completion {
	page, err := service.Changes(ctx, client.ChangesQuery{Pool: lsapi.ELB(pool.Name), Action: lsapi.Detach, Outcome: lsapi.OutcomeApplied, Limit: recentDetaches})
	if err != nil {
		return nil
	}
	var found []cobra.Completion
	for _, change := range page.Changes {
		if slices.ContainsFunc(pool.Members, func(m apiv1.Member) bool { return m.Member == change.Member }) {
			continue
		}
		found = append(found, cobra.CompletionWithDesc(change.Member, sanitize.Escape("detached by "+change.Actor+" at "+clock(change.IntendedAt))))
	}
	return found
}

// describe describes an instance for a completion.
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
