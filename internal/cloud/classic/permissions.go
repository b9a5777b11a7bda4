package classic

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"

	"lsapi/internal/cloud"
)

// Neither exists, so that the calls change nothing.
const (
	noLoadBalancer = "lsapi-doctor-no-such-elb"
	noInstance     = "i-00000000000000000"
)

// Permissions tries each operation that lsapi needs of Classic ELB, without changing
// anything, and returns the results in a fixed order.
func (c *Client) Permissions(ctx context.Context) []cloud.Permission {
	name, instances := aws.String(noLoadBalancer), []elbtypes.Instance{{InstanceId: aws.String(noInstance)}}
	return []cloud.Permission{
		cloud.Try(ctx, "elasticloadbalancing:DescribeLoadBalancers", c.describeLoadBalancers,
			&elb.DescribeLoadBalancersInput{PageSize: aws.Int32(1)}),
		cloud.Try(ctx, "elasticloadbalancing:DescribeInstanceHealth", c.describeHealth,
			&elb.DescribeInstanceHealthInput{LoadBalancerName: name}),
		cloud.Try(ctx, "elasticloadbalancing:DescribeLoadBalancerAttributes", c.describeAttributes,
			&elb.DescribeLoadBalancerAttributesInput{LoadBalancerName: name}),
		cloud.Try(ctx, "elasticloadbalancing:DescribeTags", c.describeTags,
			&elb.DescribeTagsInput{LoadBalancerNames: []string{noLoadBalancer}}),
		cloud.Try(ctx, "elasticloadbalancing:RegisterInstancesWithLoadBalancer", c.register,
			&elb.RegisterInstancesWithLoadBalancerInput{LoadBalancerName: name, Instances: instances}),
		cloud.Try(ctx, "elasticloadbalancing:DeregisterInstancesFromLoadBalancer", c.deregister,
			&elb.DeregisterInstancesFromLoadBalancerInput{LoadBalancerName: name, Instances: instances}),
	}
}
