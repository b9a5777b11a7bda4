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

// completeNames completes at most n load balancers that are not given yet; -1 is no limit.
func completeNames(p Process, n int) argumentCompleter {
	return completeWith(p, func(ctx context.Context, service *remote, given []string, prefix string) []cobra.Completion {
		if len(given) == n {
			return nil
		}
		return without(namesLike(ctx, service, prefix), given)
	})
}

// completeInstances completes a load balancer as the first argument, then its members, or
// if members is false, draining and recently detached instances.
func completeInstances(p Process, members bool) argumentCompleter {
	return completeWith(p, func(ctx context.Context, service *remote, given []string, prefix string) []cobra.Completion {
		if len(given) == 0 {
			return namesLike(ctx, service, prefix)
		}
		if !lsapi.ValidLoadBalancerName(given[0]) {
			return nil
		}
		balancer, err := service.LoadBalancer(ctx, given[0])
		if err != nil {
			return nil
		}
		var found []cobra.Completion
		for _, m := range balancer.Instances {
			if m.Member == members {
				found = append(found, cobra.CompletionWithDesc(m.InstanceID, describe(m)))
			}
		}
		if !members {
			found = append(found, recentlyDetached(ctx, service, balancer)...)
		}
		return without(found, given[1:])
	})
}

// namesLike returns the load balancers whose names start with prefix.
func namesLike(ctx context.Context, service *remote, prefix string) []cobra.Completion {
	if prefix != "" && !lsapi.ValidLoadBalancerName(strings.TrimSuffix(prefix, "-")) {
		return nil
	}
	var names []cobra.Completion
	for b, err := range service.AllLoadBalancers(ctx, client.LoadBalancersQuery{Name: prefix + "*"}) {
		if err != nil || len(names) == maxCompletions {
			break
		}
		names = append(names, b.Name)
	}
	return names
}

// recentlyDetached returns instances that lsapi detached, the latest first, and that are
// neither members nor draining.
func recentlyDetached(ctx context.Context, service *remote, b apiv1.LoadBalancerDetail) []cobra.Completion {
	page, err := service.Changes(ctx, client.ChangesQuery{LoadBalancer: b.Name, Action: lsapi.Detach, Outcome: lsapi.OutcomeApplied, Limit: recentDetaches})
	if err != nil {
		return nil
	}
	var found []cobra.Completion
	for _, change := range page.Changes {
		if slices.ContainsFunc(b.Instances, func(m apiv1.Member) bool { return m.InstanceID == change.InstanceID }) {
			continue
		}
		found = append(found, cobra.CompletionWithDesc(change.InstanceID, sanitize.Escape("detached by "+change.Actor+" at "+clock(change.IntendedAt))))
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
