package client

import (
	"context"
	"iter"
	"net/url"
	"strconv"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// LoadBalancersQuery says which load balancers to list. The zero value of a field
// is all.
type LoadBalancersQuery struct {
	// Name is a pattern: * stands for any characters, ? for one.
	Name string
	// Tags are those that it must have, each "key=value", or "key" for any value.
	Tags []string
	// Health lets those through that have a member in this state.
	Health lsapi.HealthState
	// Limit is how many a page has at most; 0 leaves it to the service.
	Limit int
	// Cursor is the NextCursor of the page before, with the same of all the rest.
	Cursor string
}

func (q LoadBalancersQuery) values() url.Values {
	v := make(url.Values)
	set(v, "name", q.Name)
	set(v, "health", string(q.Health))
	set(v, "cursor", q.Cursor)
	for _, tag := range q.Tags {
		v.Add("tag", tag)
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return v
}

// set sets a parameter that is given.
func set(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

// LoadBalancers returns a page of load balancers, by their names.
func (c *Client) LoadBalancers(ctx context.Context, q LoadBalancersQuery) (page apiv1.LoadBalancersPage, err error) {
	return page, c.get(ctx, &page, func() bool { return page.LoadBalancers != nil }, q.values(), "v1", "load-balancers")
}

// AllLoadBalancers goes through all pages, from the cursor on. It ends with the
// first error.
func (c *Client) AllLoadBalancers(ctx context.Context, q LoadBalancersQuery) iter.Seq2[apiv1.LoadBalancer, error] {
	return func(yield func(apiv1.LoadBalancer, error) bool) {
		for {
			page, err := c.LoadBalancers(ctx, q)
			if err != nil {
				yield(apiv1.LoadBalancer{}, err)
				return
			}
			for _, b := range page.LoadBalancers {
				if !yield(b, nil) {
					return
				}
			}
			if page.NextCursor == "" {
				return
			}
			q.Cursor = page.NextCursor
		}
	}
}

// LoadBalancer returns a load balancer with its settings and members.
// CodeNotFound: there is none of the name.
func (c *Client) LoadBalancer(ctx context.Context, name string) (detail apiv1.LoadBalancerDetail, err error) {
	return detail, c.get(ctx, &detail, func() bool { return detail.Name == name && detail.Instances != nil }, nil, "v1", "load-balancers", name)
}

// Member returns an instance in a load balancer. CodeNotFound: it is neither a
// member nor being drained, or there is no such load balancer.
func (c *Client) Member(ctx context.Context, loadBalancer, instanceID string) (member apiv1.Member, err error) {
	return member, c.get(ctx, &member, func() bool { return member.InstanceID == instanceID }, nil, memberPath(loadBalancer, instanceID)...)
}

func memberPath(loadBalancer, instanceID string) []string {
	return []string{"v1", "load-balancers", loadBalancer, "members", instanceID}
}
