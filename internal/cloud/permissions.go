package cloud

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"

	"lsapi"
)

// Permission is a permission that lsapi needs, and the result of a call that needs it.
type Permission struct {
	// Action is the name in a policy, such as "ec2:DescribeInstances".
	Action string
	// Err is nil if the call is allowed. CodeForbidden: AWS denies it. With any other error
	// the permission is unknown.
	Err error
}

const (
	// permissionTimeout bounds each call, retries included.
	permissionTimeout = 10 * time.Second
	// Neither exists, so that the calls change nothing. AWS checks the permission first.
	noLoadBalancer = "lsapi-doctor-no-such-elb"
	noInstance     = "i-00000000000000000"
	// smallestPage is the smallest MaxResults of DescribeInstances.
	smallestPage = 5
)

// Permissions tries each operation that lsapi needs, without changing anything, and returns
// the results in a fixed order.
func (c *Client) Permissions(ctx context.Context) []Permission {
	name, instances := aws.String(noLoadBalancer), []elbtypes.Instance{{InstanceId: aws.String(noInstance)}}
	calls := []struct {
		action string
		call   func(context.Context) error
	}{
		{"elasticloadbalancing:DescribeLoadBalancers", func(ctx context.Context) error {
			_, err := c.describeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{PageSize: aws.Int32(1)})
			return err
		}},
		{"elasticloadbalancing:DescribeInstanceHealth", func(ctx context.Context) error {
			_, err := c.describeHealth(ctx, &elb.DescribeInstanceHealthInput{LoadBalancerName: name})
			return err
		}},
		{"elasticloadbalancing:DescribeLoadBalancerAttributes", func(ctx context.Context) error {
			_, err := c.describeAttributes(ctx, &elb.DescribeLoadBalancerAttributesInput{LoadBalancerName: name})
			return err
		}},
		{"elasticloadbalancing:DescribeTags", func(ctx context.Context) error {
			_, err := c.describeTags(ctx, &elb.DescribeTagsInput{LoadBalancerNames: []string{noLoadBalancer}})
			return err
		}},
		{"elasticloadbalancing:RegisterInstancesWithLoadBalancer", func(ctx context.Context) error {
			_, err := c.register(ctx, &elb.RegisterInstancesWithLoadBalancerInput{LoadBalancerName: name, Instances: instances})
			return err
		}},
		{"elasticloadbalancing:DeregisterInstancesFromLoadBalancer", func(ctx context.Context) error {
			_, err := c.deregister(ctx, &elb.DeregisterInstancesFromLoadBalancerInput{LoadBalancerName: name, Instances: instances})
			return err
		}},
		{"ec2:DescribeInstances", func(ctx context.Context) error {
			_, err := c.describeInstances(ctx, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(smallestPage)})
			return err
		}},
	}
	permissions := make([]Permission, len(calls))
	for i, call := range calls {
		permissions[i] = Permission{Action: call.action, Err: permissionError(ctx, call.call)}
	}
	return permissions
}

// permissionError makes a call. CodeNotFound and CodeInvalid show that it was allowed.
func permissionError(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, permissionTimeout)
	defer cancel()
	err := call(ctx)
	if err == nil {
		return nil
	}
	result := coded(ctx, err)
	if result.Code == lsapi.CodeNotFound || result.Code == lsapi.CodeInvalid {
		return nil
	}
	return result
}
