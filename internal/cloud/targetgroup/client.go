// Package targetgroup calls the API of ELB version 2 for target groups, and converts
// between the SDK's types and lsapi's.
package targetgroup

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"lsapi"
	"lsapi/internal/cloud"
	"lsapi/internal/cloud/budget"
)

// Client calls ELB version 2 with a priority. A call, retries included, is bounded by its
// context, and listings by a timeout for each page too. It is safe for concurrent use.
//
// AWS takes the ARN of a group instead of its name. The Clients of all priorities share the
// ARNs that any of them has read.
type Client struct {
	priority cloud.Priority
	pools    *cloud.PageCache[lsapi.Pool]
	groups   *groups

	describeTargetGroups operation[elbv2.DescribeTargetGroupsInput, elbv2.DescribeTargetGroupsOutput]
	describeTargetHealth operation[elbv2.DescribeTargetHealthInput, elbv2.DescribeTargetHealthOutput]
	describeAttributes   operation[elbv2.DescribeTargetGroupAttributesInput, elbv2.DescribeTargetGroupAttributesOutput]
	describeTags         operation[elbv2.DescribeTagsInput, elbv2.DescribeTagsOutput]
	describeListeners    operation[elbv2.DescribeListenersInput, elbv2.DescribeListenersOutput]
	describeRules        operation[elbv2.DescribeRulesInput, elbv2.DescribeRulesOutput]
	register             operation[elbv2.RegisterTargetsInput, elbv2.RegisterTargetsOutput]
	deregister           operation[elbv2.DeregisterTargetsInput, elbv2.DeregisterTargetsOutput]
	callerIdentity       func(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
	region               string
}

// operation is an operation of the SDK.
type operation[In, Out any] func(context.Context, *In, ...func(*elbv2.Options)) (*Out, error)

// Operations returns the operations that a Client calls.
func Operations() []cloud.Operation {
	return cloud.Operations("elbv2",
		"DescribeTargetGroups", "DescribeTargetHealth", "DescribeTargetGroupAttributes", "DescribeTags",
		"DescribeListeners", "DescribeRules", "RegisterTargets", "DeregisterTargets")
}

// New returns a Client with the priority Foreground.
func New(c cloud.Config) *Client {
	sdk := elbv2.NewFromConfig(c.SDK())
	return &Client{
		priority:             cloud.PriorityOf(budget.Foreground),
		pools:                cloud.NewPageCache[lsapi.Pool]("TargetGroups"),
		groups:               newGroups(),
		describeTargetGroups: sdk.DescribeTargetGroups,
		describeTargetHealth: sdk.DescribeTargetHealth,
		describeAttributes:   sdk.DescribeTargetGroupAttributes,
		describeTags:         sdk.DescribeTags,
		describeListeners:    sdk.DescribeListeners,
		describeRules:        sdk.DescribeRules,
		register:             sdk.RegisterTargets,
		deregister:           sdk.DeregisterTargets,
		callerIdentity:       sts.NewFromConfig(c.SDK()).GetCallerIdentity,
		region:               c.SDK().Region,
	}
}

// For returns a Client with another priority.
func (c *Client) For(level budget.Level) *Client { return c.with(cloud.PriorityOf(level)) }

// ForRefreshes returns a Client with cloud.RefreshPriority.
func (c *Client) ForRefreshes(raiseAfter time.Duration) *Client {
	return c.with(cloud.RefreshPriority(raiseAfter))
}

// ForLanes returns the Client of the lanes, with the priority Write.
func (c *Client) ForLanes() *Client { return c.For(budget.Write) }

func (c *Client) with(priority cloud.Priority) *Client {
	other := *c
	other.priority = priority
	return &other
}

// Probe makes the smallest read from AWS, with the priority Background.
func (c *Client) Probe(ctx context.Context) error {
	ctx, done := cloud.PriorityOf(budget.Background).Begin(ctx)
	defer done()
	_, err := c.describeTargetGroups(ctx, &elbv2.DescribeTargetGroupsInput{PageSize: aws.Int32(1)})
	if err != nil {
		return cloud.Coded(ctx, err)
	}
	return nil
}
