package targetgroup

import (
	"context"
	"maps"
	"net/netip"
	"strings"

	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/smithy-go/middleware"

	"lsapi"
	"lsapi/internal/cloud"
)

// Register makes the targets members, by one RegisterTargets, and returns AWS's id of the
// last attempt with a response. It calls before, which may be nil, before each attempt. The
// ids are at most 200, each with its port. Without an error all of them are members. After
// an error that is not Ambiguous, the call has made none of them a member.
//
// AWS refuses an address outside the VPC without an availability zone, and one inside with
// "all": an address is registered for all zones only after such a refusal.
//
// CodeInvalid: AWS rejected all targets because of one of them, or because they are too
// many. CodeNotFound: there is no such group. Other errors: see cloud.Coded.
func (c *Client) Register(ctx context.Context, pool lsapi.PoolID, incarnation string, ids []lsapi.MemberID, before lsapi.BeforeAttempt) (awsRequestID string, err error) {
	return c.change(ctx, pool, incarnation, ids, before, func(ctx context.Context, arn string, targets []elbtypes.TargetDescription) (middleware.Metadata, error) {
		out, err := c.register(ctx, &elbv2.RegisterTargetsInput{TargetGroupArn: &arn, Targets: targets})
		if err != nil {
			return middleware.Metadata{}, err
		}
		return out.ResultMetadata, nil
	})
}

// Deregister ends the targets' membership, by one DeregisterTargets. It is like Register.
// AWS ignores targets that are not members, and those with a missing or a wrong port.
func (c *Client) Deregister(ctx context.Context, pool lsapi.PoolID, incarnation string, ids []lsapi.MemberID, before lsapi.BeforeAttempt) (awsRequestID string, err error) {
	return c.change(ctx, pool, incarnation, ids, before, func(ctx context.Context, arn string, targets []elbtypes.TargetDescription) (middleware.Metadata, error) {
		out, err := c.deregister(ctx, &elbv2.DeregisterTargetsInput{TargetGroupArn: &arn, Targets: targets})
		if err != nil {
			return middleware.Metadata{}, err
		}
		return out.ResultMetadata, nil
	})
}

// changeCall makes a call that changes the targets of the group with an ARN.
type changeCall func(ctx context.Context, arn string, targets []elbtypes.TargetDescription) (middleware.Metadata, error)

// change makes a call for the group with the ARN that the caller has read, never for one that
// has been made under the same name since.
func (c *Client) change(ctx context.Context, pool lsapi.PoolID, arn string, ids []lsapi.MemberID, before lsapi.BeforeAttempt, call changeCall) (awsRequestID string, err error) {
	ctx, done := c.priority.Begin(ctx)
	defer done()
	known, _ := c.groups.find(pool.Name)
	send := func(isOutside func(netip.Addr) bool) (string, error) {
		return cloud.Change(ctx, before, func(ctx context.Context) (middleware.Metadata, error) {
			return call(ctx, arn, targets(ids, isOutside))
		})
	}
	awsRequestID, err = send(func(address netip.Addr) bool { return known.outside[address] })
	if needsEveryZone(err) {
		awsRequestID, err = send(func(netip.Addr) bool { return true })
		if err == nil {
			c.groups.setOutside(pool.Name, arn, withAddresses(known.outside, ids))
		}
	}
	if lsapi.ErrorCode(err) == lsapi.CodeNotFound {
		c.groups.forget(pool.Name, arn)
	}
	return awsRequestID, err
}

// needsEveryZone reports whether AWS has refused an address outside the VPC because it had
// no availability zone. AWS's messages have changed: "The Availability Zone is required for
// IP address '172.25.18.11' because it is not in the VPC", "You must specify a valid
// Availability Zone or select 'all' …, since the IP address '10.130.6.97' is outside the
// VPC", "The Availability Zone … must be 'all' …, when not within the VPC".
//
// Earlier attempts of the call without a response had the same targets: they have no
// effect either.
func needsEveryZone(err error) bool {
	if err == nil {
		return false
	}
	refusal := lsapi.AsError(err)
	if refusal.Reason != cloud.ValidationError || !strings.Contains(refusal.Message, "Availability Zone") {
		return false
	}
	return strings.Contains(refusal.Message, "outside the VPC") || strings.Contains(refusal.Message, "not in the VPC") || strings.Contains(refusal.Message, "not within the VPC")
}

// withAddresses returns a set with the addresses of members added.
func withAddresses(addresses map[netip.Addr]bool, ids []lsapi.MemberID) map[netip.Addr]bool {
	all := make(map[netip.Addr]bool, len(addresses)+len(ids))
	maps.Copy(all, addresses)
	for _, id := range ids {
		if id.Address.IsValid() {
			all[id.Address] = true
		}
	}
	return all
}
