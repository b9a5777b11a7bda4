package v1

import (
	"github.com/danielgtaylor/huma/v2"

	apiv1 "lsapi/api/v1"
)

// fleetOperation returns what the operations on load balancers have in common: AWS
// is asked for what they answer.
func fleetOperation(id, path, summary, description string, ok *huma.Response, failures ...string) huma.Operation {
	op := operation(id, path, summary, description, ok, append(failures, "502")...)
	op.Tags = []string{"fleet"}
	return op
}

func describeLoadBalancers(schemas huma.Registry) huma.Operation {
	page := apiv1.LoadBalancersPage{
		LoadBalancers: []apiv1.LoadBalancer{newLoadBalancer(&exampleDetail.PoolSummary)},
		NextCursor:    newFleetCursor(exampleFleetFilter, exampleDetail.Name),
	}
	ok := answer("The load balancers that all filters let through, by name, a page of them", map[string]*huma.MediaType{
		typeJSON: {Schema: schemaOf[apiv1.LoadBalancersPage](schemas), Example: page},
	})
	return fleetOperation("listLoadBalancers", LoadBalancersPath, "List load balancers",
		"Answered from memory, as of asOf; tags and health are remembered for a while. What AWS cannot be asked for in time is absent from the answer.", ok)
}

func describeLoadBalancer(schemas huma.Registry) huma.Operation {
	ok := answer("The load balancer, its settings and its members", map[string]*huma.MediaType{
		typeJSON: {Schema: schemaOf[apiv1.LoadBalancerDetail](schemas), Example: newLoadBalancerDetail(&exampleDetail)},
	})
	return fleetOperation("getLoadBalancer", LoadBalancerPath, "Show a load balancer",
		"Each member with what lsapi was last asked to do with it, and what AWS says of it. What cannot be read in time is absent from the answer, and the rest is shown.", ok, "404")
}

func describeMember(schemas huma.Registry) huma.Operation {
	ok := answer("The member, or the instance that is being drained", map[string]*huma.MediaType{
		typeJSON: {Schema: schemaOf[apiv1.Member](schemas), Example: newMember(&exampleDetail.Instances[0])},
	})
	return fleetOperation("getMember", MemberPath, "Show a member",
		"An instance that is neither a member nor being drained is 404, unless that is what wait is for.", ok, "404", "408", "409")
}
