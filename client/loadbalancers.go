package client

import (
	"context"
	"iter"
	"net/url"
	"strconv"

	"lsapi"
	apiv1 "lsapi/api/v1"
)

// LoadBalancersQuery selects load balancers. A zero field selects all.
type LoadBalancersQuery struct {
	// Name is a pattern: * matches any characters, ? one.
	Name string
	// Tags must all be present, each "key=value", or "key" for any value.
	Tags []string
	// Health selects load balancers that have a member in this state.
	Health lsapi.HealthState
	// Limit bounds a page; 0 is the service's default.
	Limit int
	// Cursor is the NextCursor of the previous page, which must have the same other
	// fields.
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

// set sets a parameter unless it is empty.
func set(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

// LoadBalancers returns a page of load balancers, sorted by name.
func (c *Client) LoadBalancers(ctx context.Context, q LoadBalancersQuery) (page apiv1.LoadBalancersPage, err error) {
	return page, c.get(ctx, &page, func() bool { return page.LoadBalancers != nil }, q.values(), "v1", "load-balancers")
}

// AllLoadBalancers yields the load balancers of all pages, from the cursor on. The first
// error ends it.
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
// CodeNotFound: it does not exist.
func (c *Client) LoadBalancer(ctx context.Context, name string) (detail apiv1.LoadBalancerDetail, err error) {
	return detail, c.get(ctx, &detail, func() bool { return detail.Name == name && detail.Instances != nil }, nil, "v1", "load-balancers", name)
}

// Member returns the state of an instance in a load balancer. CodeNotFound: it is neither
// a member nor draining, or the load balancer does not exist.
func (c *Client) Member(ctx context.Context, loadBalancer, instanceID string) (member apiv1.Member, err error) {
	return member, c.get(ctx, &member, func() bool { return member.InstanceID == instanceID }, nil, memberPath(loadBalancer, instanceID)...)
}

func memberPath(loadBalancer, instanceID string) []string {
	return []string{"v1", "load-balancers", loadBalancer, "members", instanceID}
}
