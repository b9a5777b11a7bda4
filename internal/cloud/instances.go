package cloud

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"lsapi"
)

const (
	// maxFilterValues is how many values the filters of one EC2 call may have
	// (FilterLimitExceeded).
	maxFilterValues = 200
	// lookupTimeout bounds each filtered lookup, retries included.
	lookupTimeout = 10 * time.Second
)

// Instances returns EC2's description of instances, by id, without unknown ids. It uses a
// filter, with 200 ids a call: a lookup by ids fails as a whole for one unknown id.
func (c *Client) Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error) {
	ctx, done := c.begin(ctx)
	defer done()
	found := make(map[string]lsapi.Instance, len(ids))
	for batch := range slices.Chunk(ids, maxFilterValues) {
		if err := c.findInstances(ctx, batch, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// findInstances adds the result of one filtered lookup to found. A page may be empty and
// still have a next page.
func (c *Client) findInstances(ctx context.Context, ids []string, found map[string]lsapi.Instance) error {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	pages := ec2.NewDescribeInstancesPaginator(describeInstancesFunc(c.describeInstances), &ec2.DescribeInstancesInput{
		Filters: []ec2types.Filter{{Name: aws.String("instance-id"), Values: ids}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return coded(ctx, err)
		}
		for _, reservation := range page.Reservations {
			for _, instance := range reservation.Instances {
				found[aws.ToString(instance.InstanceId)] = newInstance(instance)
			}
		}
	}
	return nil
}

// describeInstancesFunc adapts a function value to the SDK's paginator.
type describeInstancesFunc func(context.Context, *ec2.DescribeInstancesInput, ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error)

func (f describeInstancesFunc) DescribeInstances(ctx context.Context, in *ec2.DescribeInstancesInput, options ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error) {
	return f(ctx, in, options...)
}

func newInstance(instance ec2types.Instance) lsapi.Instance {
	result := lsapi.Instance{
		ID:             aws.ToString(instance.InstanceId),
		Type:           string(instance.InstanceType),
		LaunchTime:     aws.ToTime(instance.LaunchTime).UTC(),
		PrivateAddress: aws.ToString(instance.PrivateIpAddress),
	}
	if instance.State != nil {
		result.State = lsapi.InstanceState(instance.State.Name)
	}
	if instance.Placement != nil {
		result.Zone = aws.ToString(instance.Placement.AvailabilityZone)
	}
	for _, tag := range instance.Tags {
		if aws.ToString(tag.Key) == "Name" {
			result.Name = aws.ToString(tag.Value)
		}
	}
	return result
}
