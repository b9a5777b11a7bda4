// Package classic calls the Classic ELB API, and converts between the SDK's types and
// lsapi's.
package classic

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"

	"lsapi"
	"lsapi/internal/cloud"
	"lsapi/internal/cloud/budget"
)

// Client calls Classic ELB with a priority. A call, retries included, is bounded by its
// context, and listings by a timeout for each page too. It is safe for concurrent use.
type Client struct {
	priority cloud.Priority
	pools    *cloud.PageCache[lsapi.Pool]

	describeLoadBalancers operation[elb.DescribeLoadBalancersInput, elb.DescribeLoadBalancersOutput]
	describeHealth        operation[elb.DescribeInstanceHealthInput, elb.DescribeInstanceHealthOutput]
	describeAttributes    operation[elb.DescribeLoadBalancerAttributesInput, elb.DescribeLoadBalancerAttributesOutput]
	describeTags          operation[elb.DescribeTagsInput, elb.DescribeTagsOutput]
	register              operation[elb.RegisterInstancesWithLoadBalancerInput, elb.RegisterInstancesWithLoadBalancerOutput]
	deregister            operation[elb.DeregisterInstancesFromLoadBalancerInput, elb.DeregisterInstancesFromLoadBalancerOutput]
}

// operation is an operation of the SDK.
type operation[In, Out any] func(context.Context, *In, ...func(*elb.Options)) (*Out, error)

// Operations returns the operations that a Client calls.
func Operations() []cloud.Operation {
	return cloud.Operations("elb",
		"DescribeLoadBalancers", "DescribeInstanceHealth", "DescribeLoadBalancerAttributes", "DescribeTags",
		"RegisterInstancesWithLoadBalancer", "DeregisterInstancesFromLoadBalancer")
}

// New returns a Client with the priority Foreground.
func New(c cloud.Config) *Client {
	sdk := elb.NewFromConfig(c.SDK())
	return &Client{
		priority:              cloud.PriorityOf(budget.Foreground),
		pools:                 cloud.NewPageCache[lsapi.Pool]("LoadBalancerDescriptions"),
		describeLoadBalancers: sdk.DescribeLoadBalancers,
		describeHealth:        sdk.DescribeInstanceHealth,
		describeAttributes:    sdk.DescribeLoadBalancerAttributes,
		describeTags:          sdk.DescribeTags,
		register:              sdk.RegisterInstancesWithLoadBalancer,
		deregister:            sdk.DeregisterInstancesFromLoadBalancer,
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
	_, err := c.describeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{PageSize: aws.Int32(1)})
	if err != nil {
		return cloud.Coded(ctx, err)
	}
	return nil
}
