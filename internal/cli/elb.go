package cli

import (
	"github.com/spf13/cobra"

	"lsapi"
	"lsapi/internal/clientconfig"
	"lsapi/internal/sanitize"
)

func newElb(p Process) *cobra.Command {
	group := newGroup("elb", newElbList(p), newElbShow(p), newElbAttach(p), newElbDetach(p), newElbWatch(p), newElbHistory(p))
	clientconfig.AddFlags(group.PersistentFlags())
	return group
}

// checkNames rejects a text that is not the name of a load balancer.
func checkNames(names []string) error {
	for _, name := range names {
		if !lsapi.ValidLoadBalancerName(name) {
			return usagef("%s is not the name of a load balancer: 1 to 32 letters, digits and hyphens", sanitize.Escape(name))
		}
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
