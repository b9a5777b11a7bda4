package targetgroup

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"lsapi"
	"lsapi/internal/cloud"
)

// maxNamed is how many groups a call names at most. AWS documents it for tags only.
const maxNamed = 20

// withARN calls read with the ARN of a group. If AWS does not have the group of a
// remembered ARN, it resolves the name, because the group may have been made again, and
// calls read once more. CodeNotFound: there is no such group.
func (c *Client) withARN(ctx context.Context, pool lsapi.PoolID, read func(arn string) error) error {
	return c.withARNs(ctx, []lsapi.PoolID{pool}, func(arns []string) error { return read(arns[0]) })
}

// withARNs does the same for several groups, with the ARNs in their order.
func (c *Client) withARNs(ctx context.Context, pools []lsapi.PoolID, read func(arns []string) error) error {
	arns, remembered, err := c.arns(ctx, pools)
	if err != nil {
		return err
	}
	if err = read(arns); !remembered || lsapi.ErrorCode(err) != lsapi.CodeNotFound {
		return err
	}
	for i, pool := range pools {
		c.groups.forget(pool.Name, arns[i])
	}
	if arns, _, err = c.arns(ctx, pools); err != nil {
		return err
	}
	return read(arns)
}

// arns returns the ARNs of groups in their order, and whether any is a remembered one.
func (c *Client) arns(ctx context.Context, pools []lsapi.PoolID) (arns []string, remembered bool, err error) {
	var unknown []string
	for _, pool := range pools {
		if _, ok := c.groups.find(pool.Name); !ok {
			unknown = append(unknown, pool.Name)
		}
	}
	known := make(map[string]string, len(unknown))
	for names := range slices.Chunk(unknown, maxNamed) {
		found, err := c.describe(ctx, names)
		if err != nil {
			return nil, false, err
		}
		for _, pool := range found {
			known[pool.ID.Name] = pool.Description.ARN
		}
	}
	for _, pool := range pools {
		arn, ok := known[pool.Name]
		if !ok {
			var g group
			g, ok = c.groups.find(pool.Name)
			arn, remembered = g.arn, true
		}
		if !ok {
			return nil, false, errNotFound(pool)
		}
		arns = append(arns, arn)
	}
	return arns, remembered, nil
}

// describe returns groups by name, by one DescribeTargetGroups, and remembers them.
// CodeNotFound: there is no group with one of the names.
func (c *Client) describe(ctx context.Context, names []string) ([]lsapi.Pool, error) {
	out, err := c.describeTargetGroups(ctx, &elbv2.DescribeTargetGroupsInput{Names: names})
	if err != nil {
		return nil, cloud.Coded(ctx, err)
	}
	pools := make([]lsapi.Pool, 0, len(names))
	for _, g := range out.TargetGroups {
		if slices.Contains(names, aws.ToString(g.TargetGroupName)) {
			pools = append(pools, newPool(g))
		}
	}
	c.remember(pools)
	return pools, nil
}

func (c *Client) remember(pools []lsapi.Pool) {
	for _, pool := range pools {
		c.groups.add(pool.ID.Name, pool.Description.ARN)
	}
}

func errNotFound(pool lsapi.PoolID) error {
	return lsapi.Errorf(lsapi.CodeNotFound, "there is no target group named %s", pool.Name)
}
