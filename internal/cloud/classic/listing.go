package classic

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"

	"lsapi"
	"lsapi/internal/cloud"
)

// poolsPage is the greatest PageSize of DescribeLoadBalancers.
const poolsPage = 400

// Pools lists the load balancers of the region by DescribeLoadBalancers, in pages of 400.
// It requests a page after the loop body has returned from the last. An error is the last
// pair.
func (c *Client) Pools(ctx context.Context) iter.Seq2[[]lsapi.Pool, error] {
	return cloud.ListPages(ctx, c.priority, c.pools, func(ctx context.Context, marker *string) ([]lsapi.Pool, *string, error) {
		out, err := c.describeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{
			Marker: marker, PageSize: aws.Int32(poolsPage),
		})
		if err != nil {
			return nil, nil, err
		}
		pools := make([]lsapi.Pool, len(out.LoadBalancerDescriptions))
		for i, description := range out.LoadBalancerDescriptions {
			pools[i] = lsapi.Pool{
				ID:          lsapi.ELB(aws.ToString(description.LoadBalancerName)),
				Members:     memberIDs(description.Instances),
				Description: newDescription(description),
			}
		}
		return pools, out.NextMarker, nil
	})
}
