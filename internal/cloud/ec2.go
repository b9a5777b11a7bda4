package cloud

import (
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"lsapi"
	"lsapi/internal/cloud/budget"
)

const (
	// maxFilterValues is how many values the filters of one EC2 call may have
	// (FilterLimitExceeded).
	maxFilterValues = 200
	// lookupTimeout bounds each lookup, retries included.
	lookupTimeout = 10 * time.Second
	// instancesPage is the greatest MaxResults of DescribeInstances, and its greatest number of
	// ids; smallestPage is the smallest MaxResults.
	instancesPage = 1000
	smallestPage  = 5
)

// EC2 reads instances with a priority. A call, retries included, is bounded by its context,
// and by a timeout for each page. It is safe for concurrent use.
type EC2 struct {
	priority  Priority
	instances *PageCache[lsapi.Instance]
	describe  describeInstances
}

// describeInstances is an operation of the SDK. As a type, it adapts it to the SDK's
// paginator.
type describeInstances func(context.Context, *ec2.DescribeInstancesInput, ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error)

func (f describeInstances) DescribeInstances(ctx context.Context, in *ec2.DescribeInstancesInput, options ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error) {
	return f(ctx, in, options...)
}

// EC2Operations returns the operations that an EC2 calls.
func EC2Operations() []Operation { return Operations("ec2", "DescribeInstances") }

// NewEC2 returns an EC2 with the priority Foreground.
func NewEC2(c Config) *EC2 {
	return &EC2{
		priority:  PriorityOf(budget.Foreground),
		instances: NewPageCache[lsapi.Instance]("reservationSet"),
		describe:  ec2.NewFromConfig(c.SDK()).DescribeInstances,
	}
}

// For returns an EC2 with another priority.
func (c *EC2) For(level budget.Level) *EC2 { return c.with(PriorityOf(level)) }

// ForRefreshes returns an EC2 with RefreshPriority.
func (c *EC2) ForRefreshes(raiseAfter time.Duration) *EC2 { return c.with(RefreshPriority(raiseAfter)) }

func (c *EC2) with(priority Priority) *EC2 {
	other := *c
	other.priority = priority
	return &other
}

// Instances returns EC2's description of instances, by id, without unknown ids. It uses a
// filter, with 200 ids a call: a lookup by ids fails as a whole for one unknown id.
func (c *EC2) Instances(ctx context.Context, ids []string) (map[string]lsapi.Instance, error) {
	ctx, done := c.priority.Begin(ctx)
	defer done()
	found := make(map[string]lsapi.Instance, len(ids))
	for batch := range slices.Chunk(ids, maxFilterValues) {
		filter := ec2types.Filter{Name: aws.String("instance-id"), Values: batch}
		if err := c.find(ctx, &ec2.DescribeInstancesInput{Filters: []ec2types.Filter{filter}}, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// instancesByID is Instances with one call for 1,000 ids. If EC2 does not know one of them,
// the call fails, and others with filters follow.
func (c *EC2) instancesByID(ctx context.Context, ids []string) (map[string]lsapi.Instance, error) {
	ctx, done := c.priority.Begin(ctx)
	defer done()
	found := make(map[string]lsapi.Instance, len(ids))
	for batch := range slices.Chunk(ids, instancesPage) {
		err := c.find(ctx, &ec2.DescribeInstancesInput{InstanceIds: batch}, found)
		if lsapi.ErrorCode(err) == lsapi.CodeInvalid {
			var known map[string]lsapi.Instance
			known, err = c.Instances(ctx, batch)
			maps.Copy(found, known)
		}
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// find adds the result of one lookup to found. A page may be empty and still have a next
// page.
func (c *EC2) find(ctx context.Context, lookup *ec2.DescribeInstancesInput, found map[string]lsapi.Instance) error {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	pages := ec2.NewDescribeInstancesPaginator(c.describe, lookup)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return Coded(ctx, err)
		}
		for _, instance := range instancesOf(page) {
			found[instance.ID] = instance
		}
	}
	return nil
}

// AllInstances lists the instances of the region by DescribeInstances, in pages of at most
// 1,000.
func (c *EC2) AllInstances(ctx context.Context) iter.Seq2[[]lsapi.Instance, error] {
	return ListPages(ctx, c.priority, c.instances, func(ctx context.Context, token *string) ([]lsapi.Instance, *string, error) {
		out, err := c.describe(ctx, &ec2.DescribeInstancesInput{
			NextToken: token, MaxResults: aws.Int32(instancesPage),
		})
		if err != nil {
			return nil, nil, err
		}
		return instancesOf(out), out.NextToken, nil
	})
}

// Permission tries the operation that lsapi needs of EC2.
func (c *EC2) Permission(ctx context.Context) Permission {
	return Try(ctx, "ec2:DescribeInstances", c.describe, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(smallestPage)})
}

func instancesOf(page *ec2.DescribeInstancesOutput) []lsapi.Instance {
	var instances []lsapi.Instance
	for _, reservation := range page.Reservations {
		for _, instance := range reservation.Instances {
			instances = append(instances, newInstance(instance))
		}
	}
	return instances
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
		switch aws.ToString(tag.Key) {
		case "Name":
			result.Name = aws.ToString(tag.Value)
		case "aws:autoscaling:groupName":
			result.AutoScalingGroup = aws.ToString(tag.Value)
		}
	}
	return result
}
