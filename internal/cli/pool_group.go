package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lsapi"
	apiv1 "lsapi/api/v1"
	"lsapi/client"
	"lsapi/internal/sanitize"
)

// poolGroup is a group of commands for pools: pool for those of all kinds, by their ids; elb
// and tg for those of one kind, by their names.
type poolGroup struct {
	p    Process
	name string
	kind lsapi.Kind // empty for all
}

// words are the words of a group in the help texts that the groups share.
var words = map[lsapi.Kind]*strings.Replacer{
	"": strings.NewReplacer("{group}", "pool", "{NAME}", "[elb/|tg/]NAME", "{pool}", "pool", "{pools}", "pools",
		"{web}", "elb/web-elb", "{member}", classicMember, "{spares}", classicSpares, "{kept}", classicKept, "{members}", aboutTargets),
	lsapi.KindELB: strings.NewReplacer("{group}", "elb", "{NAME}", "NAME", "{pool}", "load balancer", "{pools}", "load balancers",
		"{web}", "web-elb", "{member}", classicMember, "{spares}", classicSpares, "{kept}", classicKept, "{members}", ""),
	lsapi.KindTG: strings.NewReplacer("{group}", "tg", "{NAME}", "NAME", "{pool}", "target group", "{pools}", "target groups",
		"{web}", "web-elb", "{member}", "i-0a11ce0000000ab01:8080", "{spares}", "i-0bee000000000cd01 i-0bee000000000cd02:9090", "{kept}", "i-0a11ce0000000ab01 i-0a11ce0000000ab05", "{members}", aboutTargets),
}

const (
	classicMember = "i-0bee000000000cd01"
	classicSpares = "i-0bee000000000cd01 i-0bee000000000cd02"
	classicKept   = "i-0a11ce0000000ab01 i-0bee000000000cd01"
	aboutTargets  = `A member of a target group is an instance or an IP address with a port, such as
i-0a11ce0000000ab01:8080 or 10.0.1.7:8080. Without a port, the group's own is meant.

`
)

// newCommand returns a command with the texts of help/pool_NAME.txt in the group's words.
func (g poolGroup) newCommand(name string) *cobra.Command {
	return commandOf(words[g.kind].Replace(helpText("pool_" + name)))
}

// shown returns the name that the group's commands take for a pool.
func (g poolGroup) shown(pool apiv1.Pool) string {
	if g.kind == "" {
		return pool.Pool
	}
	return pool.Name
}

// pools returns the pools of the arguments of a command. It requests the pools of a name
// alone from the service, if the group takes several kinds.
func (g poolGroup) pools(ctx context.Context, service *remote, arguments []string) ([]lsapi.PoolID, error) {
	pools := make([]lsapi.PoolID, len(arguments))
	for i, text := range arguments {
		pool, err := g.parse(text)
		if err == nil && pool.Kind == "" {
			pool, err = g.named(ctx, service, pool.Name)
		}
		if err != nil {
			return nil, err
		}
		pools[i] = pool
	}
	return pools, nil
}

// parse parses the id of a pool, or its name alone. The kind is empty if it is not known.
func (g poolGroup) parse(text string) (lsapi.PoolID, error) {
	pool := lsapi.PoolID{Scope: lsapi.DefaultScope, Kind: g.kind, Name: text}
	if kind, name, prefixed := strings.Cut(text, "/"); prefixed {
		pool.Kind, pool.Name = lsapi.Kind(kind), name
		if !pool.Kind.IsKnown() || g.kind != "" && pool.Kind != g.kind {
			pool.Name = ""
		}
	}
	switch {
	case lsapi.ValidPoolName(pool.Name):
		return pool, nil
	case g.kind == "":
		return pool, usagef("%s is not the id of a pool, such as elb/web-elb or tg/web", sanitize.Escape(text))
	}
	return pool, usagef("%s is not the name of a %s: 1 to 32 letters, digits and hyphens", sanitize.Escape(text), words[g.kind].Replace("{pool}"))
}

// named returns the only pool with a name.
func (g poolGroup) named(ctx context.Context, service *remote, name string) (lsapi.PoolID, error) {
	var found []string
	all, outdated, err := allPools(ctx, service, client.PoolsQuery{Name: name}, 0)
	if err != nil {
		return lsapi.PoolID{}, err
	}
	if err := missingKinds(outdated); err != nil {
		return lsapi.PoolID{}, fmt.Errorf("give the kind of %s, such as elb/%s: %w", name, name, err)
	}
	for _, pool := range all {
		found = append(found, pool.Pool)
	}
	switch len(found) {
	case 0:
		return lsapi.PoolID{}, fmt.Errorf("there is no pool named %s%s", name, g.similar(ctx, service, name))
	case 1:
		pool, _ := lsapi.ParsePoolPath(found[0])
		return pool, nil
	}
	return lsapi.PoolID{}, usagef("%s is the name of several pools: give %s", name, orList(found))
}

// suggest adds suggestions to the error of an unknown one of the pools.
func (g poolGroup) suggest(ctx context.Context, service *remote, err error, pools ...lsapi.PoolID) error {
	if client.ErrorCode(err) != lsapi.CodeNotFound {
		return err
	}
	for _, pool := range pools {
		text := pool.Path()
		if g.kind != "" {
			text = pool.Name
		}
		if similar := g.similar(ctx, service, text); similar != "" {
			return fmt.Errorf("%w%s", err, similar)
		}
	}
	return err
}

// similar returns the end of a message about an unknown pool, by its id or name: the pools
// whose ids or names are similar. It is empty if the pool exists.
func (g poolGroup) similar(ctx context.Context, service *remote, text string) string {
	ctx, cancel := context.WithTimeout(ctx, suggestionTimeout)
	defer cancel()
	shown := make(map[string][]string)
	for pool, err := range service.AllPools(ctx, client.PoolsQuery{Kind: g.kind, Limit: namesPage}) {
		if err != nil {
			return ""
		}
		key := pool.Name
		if strings.Contains(text, "/") {
			key = pool.Pool
		}
		shown[key] = append(shown[key], g.shown(pool))
	}
	if _, exists := shown[text]; exists {
		return ""
	}
	var found []string
	for _, key := range nearest(text, slices.Sorted(maps.Keys(shown))) {
		found = append(found, shown[key]...)
	}
	return didYouMean(found)
}
