package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/client"
	"lsapi/internal/sanitize"
)

// completer offers arguments. Whatever goes wrong, it offers none: a person who has
// pressed Tab wants no message on the line.
type completer = func(c *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective)

// completeWith makes a completer of what asks the service.
func completeWith(p Process, offer func(ctx context.Context, service *remote, given []string, begun string) []cobra.Completion) completer {
	return func(c *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		service, err := connect(c, p)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer service.Close()
		ctx, cancel := context.WithTimeout(c.Context(), completionTimeout)
		defer cancel()
		return offer(ctx, service, given, begun), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeName offers load balancers for the first argument.
func completeName(p Process) completer {
	return completeWith(p, func(ctx context.Context, service *remote, given []string, begun string) []cobra.Completion {
		if len(given) > 0 {
			return nil
		}
		return namesLike(ctx, service, begun)
	})
}

// completeNames offers load balancers that are not given yet.
func completeNames(p Process) completer {
	return completeWith(p, func(ctx context.Context, service *remote, given []string, begun string) []cobra.Completion {
		return without(namesLike(ctx, service, begun), given)
	})
}

// completeInstances offers load balancers for the first argument, then its members;
// or, when others are wanted, those that were detached from it lately.
func completeInstances(p Process, members bool) completer {
	return completeWith(p, func(ctx context.Context, service *remote, given []string, begun string) []cobra.Completion {
		if len(given) == 0 {
			return namesLike(ctx, service, begun)
		}
		if !lsapi.ValidLoadBalancerName(given[0]) {
			return nil
		}
		found, err := service.LoadBalancer(ctx, given[0])
		if err != nil {
			return nil
		}
		var offered []cobra.Completion
		for _, m := range found.Instances {
			if m.Member == members {
				offered = append(offered, cobra.CompletionWithDesc(m.InstanceID, describe(m)))
			}
		}
		if !members {
			offered = append(offered, detachedLately(ctx, service, found)...)
		}
		return without(offered, given[1:])
	})
}

// namesLike returns the load balancers whose names begin so.
func namesLike(ctx context.Context, service *remote, begun string) []cobra.Completion {
	if begun != "" && !lsapi.ValidLoadBalancerName(strings.TrimSuffix(begun, "-")) {
		return nil
	}
	var offered []cobra.Completion
	for b, err := range service.AllLoadBalancers(ctx, client.LoadBalancersQuery{Name: begun + "*"}) {
		if err != nil || len(offered) == maxCompletions {
			break
		}
		offered = append(offered, b.Name)
	}
	return offered
}

// detachedLately returns instances that were detached by lsapi, the last first, and
// are no members, nor being drained.
func detachedLately(ctx context.Context, service *remote, b apiv1.LoadBalancerDetail) []cobra.Completion {
	page, err := service.Changes(ctx, client.ChangesQuery{LoadBalancer: b.Name, Action: lsapi.Detach, Outcome: lsapi.OutcomeApplied, Limit: recentDetaches})
	if err != nil {
		return nil
	}
	var offered []cobra.Completion
	for _, change := range page.Changes {
		if slices.ContainsFunc(b.Instances, func(m apiv1.Member) bool { return m.InstanceID == change.InstanceID }) {
			continue
		}
		offered = append(offered, cobra.CompletionWithDesc(change.InstanceID, sanitize.Escape("detached by "+change.Actor+" at "+clock(change.IntendedAt))))
	}
	return offered
}

// describe says for a completion what an instance is.
func describe(m apiv1.Member) string {
	text := healthCell(m).text
	if m.Name != "" {
		text = strings.TrimSpace(m.Name + " " + text)
	}
	return sanitize.Escape(text)
}

// without returns what is offered and not given already, each once.
func without(offered []cobra.Completion, given []string) []cobra.Completion {
	seen := slices.Clone(given)
	return slices.DeleteFunc(offered, func(o cobra.Completion) bool {
		name, _, _ := strings.Cut(o, "\t")
		known := slices.Contains(seen, name)
		seen = append(seen, name)
		return known
	})
}
