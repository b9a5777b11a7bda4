package cli

import (
	"github.com/spf13/cobra"

	"lsapi"
	"lsapi/internal/clientconfig"
	"lsapi/internal/sanitize"
)

// poolGroup is a group of commands for pools: pool for those of all kinds, elb for Classic
// load balancers, which it calls by their names.
type poolGroup struct {
	p    Process
	name string
	kind lsapi.Kind // empty for all
}

func newPool(p Process) *cobra.Command { return poolGroup{p, "pool", ""}.command() }

func newElb(p Process) *cobra.Command {
	return poolGroup{p, "elb", lsapi.KindELB}.command(newElbAttach(p), newElbDetach(p))
}

// command returns the group with its commands and more.
func (g poolGroup) command(more ...*cobra.Command) *cobra.Command {
	group := newGroup(g.name, append(more, g.list(), g.show(), g.watch(), g.history())...)
	clientconfig.AddFlags(group.PersistentFlags())
	return group
}

// pools parses the arguments of a command.
func (g poolGroup) pools(arguments []string) ([]lsapi.PoolID, error) {
	pools := make([]lsapi.PoolID, len(arguments))
	for i, text := range arguments {
		pool, ok := parsePool(text)
		switch {
		case ok:
			pools[i] = pool
		case g.kind == lsapi.KindELB:
			return nil, checkName(text)
		default:
			return nil, usagef("%s is not the id of a pool, such as elb/web-elb", sanitize.Escape(text))
		}
	}
	return pools, nil
}

// parsePool parses the id of a pool. A name alone is that of a Classic load balancer.
func parsePool(text string) (lsapi.PoolID, bool) {
	if lsapi.ValidLoadBalancerName(text) {
		return lsapi.ELB(text), true
	}
	return lsapi.ParsePoolPath(text)
}

// checkName rejects a text that is not the name of a load balancer.
func checkName(name string) error {
	if !lsapi.ValidLoadBalancerName(name) {
		return usagef("%s is not the name of a load balancer: 1 to 32 letters, digits and hyphens", sanitize.Escape(name))
	}
	return nil
}

// checkInstance rejects a text that is not the id of an instance.
func checkInstance(id string) error {
	if !lsapi.ValidInstanceID(id) {
		return usagef("%s is not the id of an instance, such as i-0592fe5ccee879f04", sanitize.Escape(id))
	}
	return nil
}
