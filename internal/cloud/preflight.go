package cloud

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"

	"lsapi/internal/cloud/budget"
)

// CheckCredentials returns an error if no credentials are found. It does not check whether
// AWS accepts them.
func (c *Client) CheckCredentials(ctx context.Context) error {
	_, err := c.credentials.Retrieve(ctx)
	return err
}

// Probe makes the smallest read from AWS, with the priority Background.
func (c *Client) Probe(ctx context.Context) error {
	ctx, done := c.For(budget.Background).begin(ctx)
	defer done()
	_, err := c.describeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{PageSize: aws.Int32(1)})
	if err != nil {
		return coded(ctx, err)
	}
	return nil
}
