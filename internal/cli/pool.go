package cli

import (
	"github.com/spf13/cobra"

	"lsapi"
	"lsapi/internal/clientconfig"
)

// newPools returns the groups of commands for pools: pool, and its short forms elb and tg.
func newPools(p Process) []*cobra.Command {
	return []*cobra.Command{
		poolGroup{p, "pool", ""}.command(), poolGroup{p, "elb", lsapi.KindELB}.command(), poolGroup{p, "tg", lsapi.KindTG}.command(),
	}
}

func (g poolGroup) command() *cobra.Command {
	group := newGroup(g.name, g.attach(), g.detach(), g.set(), g.list(), g.show(), g.guard(), g.watch(), g.history())
	clientconfig.AddFlags(group.PersistentFlags())
	return group
}
