package cloud

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"
	"github.com/aws/smithy-go/middleware"

	"lsapi"
)

// maxFilterValues is how many values EC2 takes in the filters of one call
// (FilterLimitExceeded).
const maxFilterValues = 200

// Members returns the ids of the load balancer's members in AWS's order, by one
// DescribeLoadBalancers.
//
// Errors: CodeNotFound when AWS knows no such load balancer, and those of the
// table in errors.go.
func (c *Client) Members(ctx context.Context, loadBalancer string) ([]string, error) {
	out, err := c.describeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{
		LoadBalancerNames: []string{loadBalancer},
	})
	if err != nil {
		return nil, coded(ctx, err)
	}
	for _, description := range out.LoadBalancerDescriptions {
		if aws.ToString(description.LoadBalancerName) == loadBalancer {
			return instanceIDs(description.Instances), nil
		}
	}
	return nil, lsapi.Errorf(lsapi.CodeNotFound, "there is no load balancer named %s", loadBalancer)
}

// Instances returns what EC2 knows of the instances, by id; ids that EC2 does
// not know are absent. It asks by filter, 200 ids a call, because asking by id
// fails as a whole for one unknown id.
func (c *Client) Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error) {
	found := make(map[string]lsapi.Instance, len(ids))
	for batch := range slices.Chunk(ids, maxFilterValues) {
		if err := c.lookUp(ctx, batch, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// lookUp makes one filtered lookup, within lookupTimeout.
func (c *Client) lookUp(ctx context.Context, ids []string, found map[string]lsapi.Instance) error {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	if err := c.collectInstances(ctx, ids, found); err != nil {
		return coded(ctx, err)
	}
	return nil
}

// collectInstances follows the pages of one filtered lookup. A page may be empty
// and still name a next one.
func (c *Client) collectInstances(ctx context.Context, ids []string, found map[string]lsapi.Instance) error {
	pages := ec2.NewDescribeInstancesPaginator(describeInstancesFunc(c.describeInstances), &ec2.DescribeInstancesInput{
		Filters: []ec2types.Filter{{Name: aws.String("instance-id"), Values: ids}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, reservation := range page.Reservations {
			for _, instance := range reservation.Instances {
				found[aws.ToString(instance.InstanceId)] = fromEC2(instance)
			}
		}
	}
	return nil
}

// Register makes the instances members, by one RegisterInstancesWithLoadBalancer,
// and returns AWS's id of the request: of its last attempt that was answered. It
// asks for permission before each attempt; nil permits all.
// A nil error settles it for all of them. An error with Ambiguous set leaves it
// open; any other error means that none of them became a member by this call.
//
// Errors: CodeInvalid when AWS refuses the batch because of an instance in it,
// which it does for the batch as a whole; CodeNotFound; those of the table.
func (c *Client) Register(ctx context.Context, loadBalancer string, ids []string, permit lsapi.BeforeAttempt) (awsRequestID string, err error) {
	return change(ctx, permit, func(ctx context.Context) (middleware.Metadata, error) {
		out, err := c.register(ctx, &elb.RegisterInstancesWithLoadBalancerInput{
			LoadBalancerName: aws.String(loadBalancer),
			Instances:        fromIDs(ids),
		})
		if err != nil {
			return middleware.Metadata{}, err
		}
		return out.ResultMetadata, nil
	})
}

// Deregister ends the instances' membership, by one
// DeregisterInstancesFromLoadBalancer. Its errors are those of Register;
// CodeInvalid means that one of the instances was never a member.
func (c *Client) Deregister(ctx context.Context, loadBalancer string, ids []string, permit lsapi.BeforeAttempt) (awsRequestID string, err error) {
	return change(ctx, permit, func(ctx context.Context) (middleware.Metadata, error) {
		out, err := c.deregister(ctx, &elb.DeregisterInstancesFromLoadBalancerInput{
			LoadBalancerName: aws.String(loadBalancer),
			Instances:        fromIDs(ids),
		})
		if err != nil {
			return middleware.Metadata{}, err
		}
		return out.ResultMetadata, nil
	})
}

// describeInstancesFunc lets the SDK's paginator call a function value.
type describeInstancesFunc func(context.Context, *ec2.DescribeInstancesInput, ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error)

func (f describeInstancesFunc) DescribeInstances(ctx context.Context, in *ec2.DescribeInstancesInput, options ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error) {
	return f(ctx, in, options...)
}

func fromEC2(instance ec2types.Instance) lsapi.Instance {
	var state lsapi.InstanceState
	if instance.State != nil {
		state = lsapi.InstanceState(instance.State.Name)
	}
	result := lsapi.Instance{
		ID:             aws.ToString(instance.InstanceId),
		Type:           string(instance.InstanceType),
		LaunchTime:     aws.ToTime(instance.LaunchTime).UTC(),
		State:          state,
		PrivateAddress: aws.ToString(instance.PrivateIpAddress),
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

func instanceIDs(instances []elbtypes.Instance) []string {
	ids := make([]string, len(instances))
	for i, instance := range instances {
		ids[i] = aws.ToString(instance.InstanceId)
	}
	return ids
}

func fromIDs(ids []string) []elbtypes.Instance {
	instances := make([]elbtypes.Instance, len(ids))
	for i, id := range ids {
		instances[i] = elbtypes.Instance{InstanceId: aws.String(id)}
	}
	return instances
}
