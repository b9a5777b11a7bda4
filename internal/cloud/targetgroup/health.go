package targetgroup

import (
	"context"
	"net/netip"
	"slices"
	"unique"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"lsapi"
	"lsapi/internal/cloud"
)

// Members reads the members of a group and their health by one DescribeTargetHealth. Its
// incarnation is its ARN. Members are sorted, because AWS returns them in any order, and a
// report of their health has the same. They have a port. Targets that drain are in Health only. A
// member that is no instance and no address is a Lambda function, "function/NAME", without
// a port, or a load balancer, "loadbalancer/app/NAME/ID:80". These are shown and never
// changed.
//
// CodeNotFound: there is no such group. Other errors: see cloud.Coded.
func (c *Client) Members(ctx context.Context, pool lsapi.PoolID) (lsapi.PoolRead, error) {
	ctx, done := c.priority.Begin(ctx)
	defer done()
	var read lsapi.PoolRead
	err := c.withARN(ctx, pool, func(arn string) error {
		out, err := c.describeTargetHealth(ctx, &elbv2.DescribeTargetHealthInput{TargetGroupArn: &arn})
		if err != nil {
			return cloud.Coded(ctx, err)
		}
		read = newRead(arn, out.TargetHealthDescriptions)
		c.groups.setOutside(pool.Name, arn, outside(out.TargetHealthDescriptions))
		return nil
	})
	if err != nil {
		return lsapi.PoolRead{}, err
	}
	return read, nil
}

// Health is Members. The health is sorted by id, and always whole: any other target is
// absent.
//
// Errors: those of Members.
func (c *Client) Health(ctx context.Context, pool lsapi.PoolID) (read lsapi.PoolRead, whole bool, err error) {
	read, err = c.Members(ctx, pool)
	return read, err == nil, err
}

// HealthOf returns the health of the given members and of those that drain among them,
// sorted by id, by one DescribeTargetHealth.
//
// Errors: those of Members.
func (c *Client) HealthOf(ctx context.Context, pool lsapi.PoolID, ids []lsapi.MemberID) ([]lsapi.MemberHealth, error) {
	read, err := c.Members(ctx, pool)
	if err != nil {
		return nil, err
	}
	requested := make(map[lsapi.MemberID]bool, len(ids))
	for _, id := range ids {
		requested[id] = true
	}
	var found []lsapi.MemberHealth
	for _, h := range read.Health { // which listeners hold, too
		if requested[h.Member] {
			found = append(found, h)
		}
	}
	return found, nil
}

func newRead(arn string, descriptions []elbtypes.TargetHealthDescription) lsapi.PoolRead {
	read := lsapi.PoolRead{
		Members:     make([]lsapi.MemberID, 0, len(descriptions)),
		Health:      make([]lsapi.MemberHealth, 0, len(descriptions)),
		Incarnation: arn,
	}
	for _, d := range descriptions {
		if d.Target == nil {
			continue
		}
		read.Health = append(read.Health, newHealth(memberID(*d.Target), d.TargetHealth))
	}
	slices.SortFunc(read.Health, func(a, b lsapi.MemberHealth) int { return a.Member.Compare(b.Member) })
	for _, h := range read.Health {
		if !h.Draining {
			read.Members = append(read.Members, h.Member)
		}
	}
	return read
}

func newHealth(member lsapi.MemberID, health *elbtypes.TargetHealth) lsapi.MemberHealth {
	if health == nil {
		return lsapi.MemberHealth{Member: member, State: lsapi.HealthUnknown}
	}
	return lsapi.MemberHealth{
		Member:      member,
		State:       stateOf(*health),
		AWSState:    interned(string(health.State)),
		Reason:      interned(string(health.Reason)),
		Description: interned(aws.ToString(health.Description)),
		Draining:    health.State == elbtypes.TargetHealthStateEnumDraining,
	}
}

// interned returns an equal string that all members share: the SDK makes one for each.
func interned(text string) string { return unique.Make(text).Value() }

// stateOf returns the state of a target. Without health checks, AWS sends requests to every
// target. A target that is unused gets none.
func stateOf(health elbtypes.TargetHealth) lsapi.HealthState {
	switch health.State {
	case elbtypes.TargetHealthStateEnumHealthy:
		return lsapi.InService
	case elbtypes.TargetHealthStateEnumUnavailable:
		if health.Reason == elbtypes.TargetHealthReasonEnumHealthCheckDisabled {
			return lsapi.InService
		}
	case elbtypes.TargetHealthStateEnumInitial, elbtypes.TargetHealthStateEnumUnhealthy, elbtypes.TargetHealthStateEnumUnhealthyDraining,
		elbtypes.TargetHealthStateEnumUnused, elbtypes.TargetHealthStateEnumDraining:
		return lsapi.OutOfService
	}
	return lsapi.HealthUnknown
}

// outside returns the addresses that are registered for every zone, nil for none.
func outside(descriptions []elbtypes.TargetHealthDescription) map[netip.Addr]bool {
	var all map[netip.Addr]bool
	for _, d := range descriptions {
		if d.Target == nil || aws.ToString(d.Target.AvailabilityZone) != everyZone {
			continue
		}
		if address, err := netip.ParseAddr(aws.ToString(d.Target.Id)); err == nil {
			if all == nil {
				all = make(map[netip.Addr]bool)
			}
			all[address] = true
		}
	}
	return all
}
