package classic

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"
	"github.com/aws/smithy-go/middleware"

	"lsapi"
	"lsapi/internal/cloud"
)

// Members reads the members of a load balancer by one DescribeLoadBalancers. Its incarnation
// is the time of its creation.
//
// CodeNotFound: there is no such load balancer. Other errors: see cloud.Coded.
func (c *Client) Members(ctx context.Context, pool lsapi.PoolID) (lsapi.PoolRead, error) {
	ctx, done := c.priority.Begin(ctx)
	defer done()
	out, err := c.describeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{
		LoadBalancerNames: []string{pool.Name},
	})
	if err != nil {
		return lsapi.PoolRead{}, cloud.Coded(ctx, err)
	}
	for _, description := range out.LoadBalancerDescriptions {
		if aws.ToString(description.LoadBalancerName) == pool.Name {
			return lsapi.PoolRead{Members: memberIDs(description.Instances), Incarnation: newDescription(description).Incarnation()}, nil
		}
	}
	return lsapi.PoolRead{}, lsapi.Errorf(lsapi.CodeNotFound, "there is no load balancer named %s", pool.Name)
}

// Register makes the instances members, by one RegisterInstancesWithLoadBalancer, and
// returns AWS's id of the last attempt with a response. It calls before, which may be nil,
// before each attempt. Without an error all instances are members. After an error that is
// not Ambiguous, the call has made none of them a member.
//
// CodeInvalid: AWS rejected all instances because of one of them. CodeNotFound: there is
// no such load balancer. Other errors: see cloud.Coded.
func (c *Client) Register(ctx context.Context, pool lsapi.PoolID, _ string, ids []lsapi.MemberID, before lsapi.BeforeAttempt) (awsRequestID string, err error) {
	ctx, done := c.priority.Begin(ctx)
	defer done()
	return cloud.Change(ctx, before, func(ctx context.Context) (middleware.Metadata, error) {
		out, err := c.register(ctx, &elb.RegisterInstancesWithLoadBalancerInput{
			LoadBalancerName: aws.String(pool.Name),
			Instances:        fromIDs(ids),
		})
		if err != nil {
			return middleware.Metadata{}, err
		}
		return out.ResultMetadata, nil
	})
}

// Deregister ends the instances' membership, by one DeregisterInstancesFromLoadBalancer.
// It is like Register; CodeInvalid: one of the instances was never a member.
func (c *Client) Deregister(ctx context.Context, pool lsapi.PoolID, _ string, ids []lsapi.MemberID, before lsapi.BeforeAttempt) (awsRequestID string, err error) {
	ctx, done := c.priority.Begin(ctx)
	defer done()
	return cloud.Change(ctx, before, func(ctx context.Context) (middleware.Metadata, error) {
		out, err := c.deregister(ctx, &elb.DeregisterInstancesFromLoadBalancerInput{
			LoadBalancerName: aws.String(pool.Name),
			Instances:        fromIDs(ids),
		})
		if err != nil {
			return middleware.Metadata{}, err
		}
		return out.ResultMetadata, nil
	})
}

func memberIDs(instances []elbtypes.Instance) []lsapi.MemberID {
	ids := make([]lsapi.MemberID, len(instances))
	for i, instance := range instances {
		ids[i] = lsapi.InstanceMember(aws.ToString(instance.InstanceId))
	}
	return ids
}

func fromIDs(ids []lsapi.MemberID) []elbtypes.Instance {
	instances := make([]elbtypes.Instance, len(ids))
	for i, id := range ids {
		instances[i] = elbtypes.Instance{InstanceId: aws.String(id.Instance)}
	}
	return instances
}
