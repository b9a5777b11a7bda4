package classic

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"

	"lsapi"
	"lsapi/internal/cloud"
)

// AWS's descriptions with more information than the state (InstanceState in the Classic ELB
// API reference).
const (
	descriptionDraining      = "Instance deregistration currently in progress."
	descriptionNotRegistered = "Instance is not currently registered with the LoadBalancer."
	notApplicable            = "N/A"
)

// Health returns the health of a load balancer's members and, as far as AWS lists them, of
// its draining instances, sorted by id, by one DescribeInstanceHealth. It lacks terminated
// members.
//
// CodeNotFound: there is no such load balancer. Other errors: see cloud.Coded.
func (c *Client) Health(ctx context.Context, pool lsapi.PoolID) (read lsapi.PoolRead, whole bool, err error) {
	ctx, done := c.priority.Begin(ctx)
	defer done()
	read.Health, err = c.readHealth(ctx, pool, nil)
	return read, false, err
}

// HealthOf returns the health of the given instances that are members or draining, sorted
// by id. It takes one DescribeInstanceHealth, and more if AWS does not know one of the
// instances.
//
// Errors: those of Health.
func (c *Client) HealthOf(ctx context.Context, pool lsapi.PoolID, ids []lsapi.MemberID) ([]lsapi.MemberHealth, error) {
	ctx, done := c.priority.Begin(ctx)
	defer done()
	return c.healthOf(ctx, pool, ids)
}

func (c *Client) healthOf(ctx context.Context, pool lsapi.PoolID, ids []lsapi.MemberID) ([]lsapi.MemberHealth, error) {
	all, err := c.readHealth(ctx, pool, ids)
	if lsapi.ErrorCode(err) != lsapi.CodeInvalid {
		return slices.DeleteFunc(all, isUnregistered), err
	}
	if len(ids) == 1 {
		return nil, nil
	}
	// The call fails as a whole for one unknown instance.
	for half := range slices.Chunk(ids, (len(ids)+1)/2) {
		found, err := c.healthOf(ctx, pool, half)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	sortHealth(all)
	return all, nil
}

func (c *Client) readHealth(ctx context.Context, pool lsapi.PoolID, ids []lsapi.MemberID) ([]lsapi.MemberHealth, error) {
	out, err := c.describeHealth(ctx, &elb.DescribeInstanceHealthInput{
		LoadBalancerName: aws.String(pool.Name),
		Instances:        fromIDs(ids),
	})
	if err != nil {
		return nil, cloud.Coded(ctx, err)
	}
	all := make([]lsapi.MemberHealth, 0, len(out.InstanceStates))
	for _, state := range out.InstanceStates {
		if aws.ToString(state.Description) != descriptionNotRegistered {
			all = append(all, newHealth(state))
		}
	}
	sortHealth(all)
	return all, nil
}

// isUnregistered reports whether health requested by id is that of an unregistered instance
// in Moto and LocalStack. AWS has a description with every Unknown.
func isUnregistered(h lsapi.MemberHealth) bool {
	return h.State == lsapi.HealthUnknown && h.Reason == notApplicable && h.Description == notApplicable
}

func newHealth(state elbtypes.InstanceState) lsapi.MemberHealth {
	h := lsapi.MemberHealth{
		Member:      lsapi.InstanceMember(aws.ToString(state.InstanceId)),
		State:       lsapi.HealthState(aws.ToString(state.State)),
		Reason:      aws.ToString(state.ReasonCode),
		Description: aws.ToString(state.Description),
		Draining:    aws.ToString(state.Description) == descriptionDraining,
	}
	if h.State != lsapi.InService && h.State != lsapi.OutOfService {
		h.State = lsapi.HealthUnknown
	}
	return h
}

func sortHealth(all []lsapi.MemberHealth) {
	slices.SortFunc(all, func(a, b lsapi.MemberHealth) int { return a.Member.Compare(b.Member) })
}
