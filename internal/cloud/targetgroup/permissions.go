package targetgroup

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsarn "github.com/aws/aws-sdk-go-v2/aws/arn"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"lsapi/internal/cloud"
)

// None of them exists, so that the calls change nothing.
const (
	noGroup        = "targetgroup/lsapi-doctor-no-such-tg/0000000000000000"
	noLoadBalancer = "loadbalancer/app/lsapi-doctor-no-such-alb/0000000000000000"
	noListener     = "listener/app/lsapi-doctor-no-such-alb/0000000000000000/0000000000000000"
	noInstance     = "i-00000000000000000"
)

// Permissions tries each operation that lsapi needs of ELB version 2, without changing
// anything, and returns the results in a fixed order. The permission to describe tags is
// that of Classic ELB.
func (c *Client) Permissions(ctx context.Context) []cloud.Permission {
	arn := c.arnsOfAccount(ctx)
	target := []elbtypes.TargetDescription{{Id: aws.String(noInstance), Port: aws.Int32(1)}}
	return []cloud.Permission{
		cloud.Try(ctx, "elasticloadbalancing:DescribeTargetGroups", c.describeTargetGroups,
			&elbv2.DescribeTargetGroupsInput{PageSize: aws.Int32(1)}),
		cloud.Try(ctx, "elasticloadbalancing:DescribeTargetHealth", c.describeTargetHealth,
			&elbv2.DescribeTargetHealthInput{TargetGroupArn: arn(noGroup)}),
		cloud.Try(ctx, "elasticloadbalancing:DescribeTargetGroupAttributes", c.describeAttributes,
			&elbv2.DescribeTargetGroupAttributesInput{TargetGroupArn: arn(noGroup)}),
		cloud.Try(ctx, "elasticloadbalancing:DescribeListeners", c.describeListeners,
			&elbv2.DescribeListenersInput{LoadBalancerArn: arn(noLoadBalancer)}),
		cloud.Try(ctx, "elasticloadbalancing:DescribeRules", c.describeRules,
			&elbv2.DescribeRulesInput{ListenerArn: arn(noListener)}),
		cloud.Try(ctx, "elasticloadbalancing:RegisterTargets", c.register,
			&elbv2.RegisterTargetsInput{TargetGroupArn: arn(noGroup), Targets: target}),
		cloud.Try(ctx, "elasticloadbalancing:DeregisterTargets", c.deregister,
			&elbv2.DeregisterTargetsInput{TargetGroupArn: arn(noGroup), Targets: target}),
	}
}

// arnsOfAccount returns a function that makes an ARN of a resource in the account: AWS
// denies access to other accounts. To read the id of the account needs no permission. If
// that fails, so will the other calls.
func (c *Client) arnsOfAccount(ctx context.Context) func(resource string) *string {
	arn := awsarn.ARN{Partition: "aws", AccountID: "000000000000"}
	if out, err := c.callerIdentity(ctx, &sts.GetCallerIdentityInput{}); err == nil {
		if caller, err := awsarn.Parse(aws.ToString(out.Arn)); err == nil {
			arn = caller
		}
	}
	arn.Service, arn.Region = "elasticloadbalancing", c.region
	return func(resource string) *string {
		arn.Resource = resource
		return aws.String(arn.String())
	}
}
