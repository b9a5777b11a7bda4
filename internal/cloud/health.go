package cloud

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"

	"lsapi"
)

// The descriptions of AWS that tell more than the state does, as the Classic ELB API
// reference has them (InstanceState).
const (
	descriptionDraining      = "Instance deregistration currently in progress."
	descriptionNotRegistered = "Instance is not currently registered with the LoadBalancer."
	notApplicable            = "N/A"
)

// Health returns what the load balancer says of its members and, as far as AWS
// lists them, of the instances that it is draining, sorted by id; by one
// DescribeInstanceHealth. A terminated member is absent.
//
// Errors: CodeNotFound; those of the table in errors.go.
func (c *Client) Health(ctx context.Context, loadBalancer string) ([]lsapi.MemberHealth, error) {
	return c.askHealth(ctx, loadBalancer, nil)
}

// HealthOf returns what the load balancer says of these instances, sorted by id.
// Absent are those that it has nothing to do with: no members, and not being drained.
// It takes one DescribeInstanceHealth, and more of them to find those that AWS does
// not know: one alone is one.
//
// Errors: those of Health.
func (c *Client) HealthOf(ctx context.Context, loadBalancer string, ids []string) ([]lsapi.MemberHealth, error) {
	all, err := c.askHealth(ctx, loadBalancer, ids)
	if lsapi.ErrorCode(err) != lsapi.CodeInvalid {
		return slices.DeleteFunc(all, isUnregistered), err
	}
	if len(ids) == 1 {
		return nil, nil
	}
	// The call fails as a whole for one that is unknown.
	for half := range slices.Chunk(ids, (len(ids)+1)/2) {
		found, err := c.HealthOf(ctx, loadBalancer, half)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	sortHealth(all)
	return all, nil
}

func (c *Client) askHealth(ctx context.Context, loadBalancer string, ids []string) ([]lsapi.MemberHealth, error) {
	out, err := c.describeHealth(ctx, &elb.DescribeInstanceHealthInput{
		LoadBalancerName: aws.String(loadBalancer),
		Instances:        fromIDs(ids),
	})
	if err != nil {
		return nil, coded(ctx, err)
	}
	all := make([]lsapi.MemberHealth, 0, len(out.InstanceStates))
	for _, state := range out.InstanceStates {
		if aws.ToString(state.Description) != descriptionNotRegistered {
			all = append(all, fromState(state))
		}
	}
	sortHealth(all)
	return all, nil
}

// isUnregistered reports whether the health of an instance that Health did not return
// says only that AWS does not know it. Implementations of AWS's API by others answer so
// for what is not registered; AWS gives a description with Unknown.
func isUnregistered(h lsapi.MemberHealth) bool {
	return h.State == lsapi.HealthUnknown && h.Reason == notApplicable && h.Description == notApplicable
}

func fromState(state elbtypes.InstanceState) lsapi.MemberHealth {
	h := lsapi.MemberHealth{
		InstanceID:  aws.ToString(state.InstanceId),
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
	slices.SortFunc(all, func(a, b lsapi.MemberHealth) int { return strings.Compare(a.InstanceID, b.InstanceID) })
}
