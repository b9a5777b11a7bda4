package cli

import (
	"github.com/spf13/cobra"

	"lsapi"
	"lsapi/internal/clientconfig"
)

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
