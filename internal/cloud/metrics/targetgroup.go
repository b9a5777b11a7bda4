package metrics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// TargetGroup reads the metrics of a target group and its Application Load Balancer.
type TargetGroup struct {
	reader
	// group and balancer are the ends of the ARNs, CloudWatch's names.
	group, balancer string
}

// Minute is a minute of a target group. CloudWatch counts the requests of all clients.
type Minute struct {
	At time.Time // its start
	// Requests are those that the load balancer sent to a target.
	Requests, Target2XX, Target5XX int64
	// ELB5XX are the errors of the load balancer itself, for all of its target groups.
	ELB5XX int64
	// The response time of targets in seconds; nil without a response.
	ResponseMean, ResponseMax *float64
	// The fewest healthy and the most unhealthy targets; nil without data.
	Healthy, Unhealthy *float64
}

// NewTargetGroup looks the group up. Endpoint is the URL of an emulator or a gateway.
// Default: AWS, or AWS_ENDPOINT_URL.
func NewTargetGroup(ctx context.Context, name, endpoint string) (*TargetGroup, error) {
	cfg, err := newConfig(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	out, err := elbv2.NewFromConfig(cfg).DescribeTargetGroups(ctx, &elbv2.DescribeTargetGroupsInput{Names: []string{name}})
	if _, missing := errors.AsType[*elbtypes.TargetGroupNotFoundException](err); missing || err == nil && len(out.TargetGroups) == 0 {
		return nil, fmt.Errorf("there is no target group named %s", name)
	}
	if err != nil {
		return nil, err
	}
	group := out.TargetGroups[0]
	if len(group.LoadBalancerArns) == 0 {
		return nil, fmt.Errorf("no load balancer forwards to the target group %s", name)
	}
	// AWS accepts one load balancer for a group.
	_, balancer, _ := strings.Cut(group.LoadBalancerArns[0], ":loadbalancer/")
	if !strings.HasPrefix(balancer, "app/") {
		return nil, fmt.Errorf("the target group %s belongs to %s, which is not an Application Load Balancer: CloudWatch has no requests of it", name, balancer)
	}
	_, id, _ := strings.Cut(aws.ToString(group.TargetGroupArn), ":targetgroup/")
	return &TargetGroup{reader{cloudwatch.NewFromConfig(cfg)}, "targetgroup/" + id, balancer}, nil
}

// LoadBalancer returns the name of the load balancer.
func (g *TargetGroup) LoadBalancer() string { return strings.Split(g.balancer, "/")[1] }

// Minutes returns the minutes with data from the one of since until now, oldest first.
func (g *TargetGroup) Minutes(ctx context.Context, since time.Time) ([]Minute, error) {
	const namespace = "AWS/ApplicationELB"
	ofBalancer := []types.Dimension{dimension("LoadBalancer", g.balancer)}
	ofGroup := append(slices.Clone(ofBalancer), dimension("TargetGroup", g.group))
	figures := []struct {
		query
		set func(*Minute, float64)
	}{
		{query{namespace, "RequestCount", "Sum", ofGroup}, func(m *Minute, v float64) { m.Requests = int64(v) }},
		{query{namespace, "HTTPCode_Target_2XX_Count", "Sum", ofGroup}, func(m *Minute, v float64) { m.Target2XX = int64(v) }},
		{query{namespace, "HTTPCode_Target_5XX_Count", "Sum", ofGroup}, func(m *Minute, v float64) { m.Target5XX = int64(v) }},
		{query{namespace, "HTTPCode_ELB_5XX_Count", "Sum", ofBalancer}, func(m *Minute, v float64) { m.ELB5XX = int64(v) }},
		{query{namespace, "TargetResponseTime", "Average", ofGroup}, func(m *Minute, v float64) { m.ResponseMean = &v }},
		{query{namespace, "TargetResponseTime", "Maximum", ofGroup}, func(m *Minute, v float64) { m.ResponseMax = &v }},
		{query{namespace, "HealthyHostCount", "Minimum", ofGroup}, func(m *Minute, v float64) { m.Healthy = &v }},
		{query{namespace, "UnHealthyHostCount", "Maximum", ofGroup}, func(m *Minute, v float64) { m.Unhealthy = &v }},
	}
	queries := make([]query, len(figures))
	for i, f := range figures {
		queries[i] = f.query
	}
	values, err := g.read(ctx, since, queries)
	if err != nil {
		return nil, err
	}
	byStart := make(map[time.Time]*Minute)
	for i, f := range figures {
		for at, value := range values[i] {
			if byStart[at] == nil {
				byStart[at] = &Minute{At: at}
			}
			f.set(byStart[at], value)
		}
	}
	minutes := make([]Minute, 0, len(byStart))
	for _, m := range byStart {
		minutes = append(minutes, *m)
	}
	slices.SortFunc(minutes, func(a, b Minute) int { return a.At.Compare(b.At) })
	return minutes, nil
}
