package targetgroup

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"lsapi"
	"lsapi/internal/cloud"
)

// poolsPage is the greatest PageSize of DescribeTargetGroups.
const poolsPage = 400

// Pools lists the target groups of the region, without their members, by
// DescribeTargetGroups in pages of 400. It requests a page after the loop body has returned
// from the last. An error is the last pair.
func (c *Client) Pools(ctx context.Context) iter.Seq2[[]lsapi.Pool, error] {
	return func(yield func([]lsapi.Pool, error) bool) {
		listed := make(map[string]bool)
		for page, err := range cloud.ListPages(ctx, c.priority, c.pools, c.fetchPage) {
			c.remember(page)
			for _, pool := range page {
				listed[pool.ID.Name] = true
			}
			if !yield(page, err) || err != nil {
				return
			}
		}
		c.groups.retain(listed)
	}
}

func (c *Client) fetchPage(ctx context.Context, marker *string) ([]lsapi.Pool, *string, error) {
	out, err := c.describeTargetGroups(ctx, &elbv2.DescribeTargetGroupsInput{Marker: marker, PageSize: aws.Int32(poolsPage)})
	if err != nil {
		return nil, nil, err
	}
	pools := make([]lsapi.Pool, len(out.TargetGroups))
	for i, g := range out.TargetGroups {
		pools[i] = newPool(g)
	}
	return pools, out.NextMarker, nil
}
