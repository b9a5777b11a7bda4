package targetgroup

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"lsapi"
)

func newPool(g elbtypes.TargetGroup) lsapi.Pool {
	return lsapi.Pool{
		ID:              lsapi.TG(aws.ToString(g.TargetGroupName)),
		MembersUnlisted: true,
		Description: &lsapi.Description{
			ARN:           aws.ToString(g.TargetGroupArn),
			TargetType:    lsapi.TargetType(g.TargetType),
			Port:          port(g.Port),
			Protocol:      string(g.Protocol),
			LoadBalancers: slices.Sorted(slices.Values(g.LoadBalancerArns)),
			VPCID:         aws.ToString(g.VpcId),
			HealthCheck:   newHealthCheck(g),
		},
	}
}

// newHealthCheck returns the health check of a group, with the port "traffic-port" for that
// of each member. It is zero if the checks are disabled.
func newHealthCheck(g elbtypes.TargetGroup) lsapi.HealthCheck {
	if g.HealthCheckEnabled != nil && !*g.HealthCheckEnabled {
		return lsapi.HealthCheck{}
	}
	check := lsapi.HealthCheck{
		Target:             aws.ToString(g.HealthCheckPath), // alone for a function
		Interval:           seconds(g.HealthCheckIntervalSeconds),
		Timeout:            seconds(g.HealthCheckTimeoutSeconds),
		UnhealthyThreshold: int(aws.ToInt32(g.UnhealthyThresholdCount)),
		HealthyThreshold:   int(aws.ToInt32(g.HealthyThresholdCount)),
	}
	if g.HealthCheckProtocol != "" {
		check.Target = string(g.HealthCheckProtocol) + ":" + aws.ToString(g.HealthCheckPort) + check.Target
	}
	if g.Matcher != nil {
		check.Matcher = aws.ToString(g.Matcher.HttpCode) + aws.ToString(g.Matcher.GrpcCode) // it has one of them
	}
	return check
}

func seconds(n *int32) time.Duration { return time.Duration(aws.ToInt32(n)) * time.Second }

// port returns AWS's port, which is between 1 and 65,535, or missing.
func port(n *int32) uint16 { return uint16(aws.ToInt32(n)) } //nolint:gosec // it is within range
