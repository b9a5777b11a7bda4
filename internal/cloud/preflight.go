package cloud

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"

	"lsapi/internal/cloud/budget"
)

// CheckCredentials returns an error when no credentials can be had. It makes no call
// to a load balancer's API; AWS may still refuse the credentials.
func (c *Client) CheckCredentials(ctx context.Context) error {
	_, err := c.credentials.Retrieve(ctx)
	return err
}

// Probe makes the smallest call that shows whether AWS can be read.
func (c *Client) Probe(ctx context.Context) error {
	ctx, done := c.For(budget.Background).call(ctx)
	defer done()
	_, err := c.describeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{PageSize: aws.Int32(1)})
	if err != nil {
		return coded(ctx, err)
	}
	return nil
}
