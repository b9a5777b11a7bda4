package targetgroup

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"lsapi"
	"lsapi/internal/cloud"
)

// The attributes that lsapi reads.
const (
	attributeDelay     = "deregistration_delay.timeout_seconds"
	attributeCrossZone = "load_balancing.cross_zone.enabled"
)

// Attributes returns a group's attributes, by one DescribeTargetGroupAttributes. CrossZone
// is whether the group overrides the setting of its load balancer to be true.
//
// CodeNotFound: there is no such group. Other errors: see cloud.Coded.
func (c *Client) Attributes(ctx context.Context, pool lsapi.PoolID) (lsapi.Attributes, error) {
	ctx, done := c.priority.Begin(ctx)
	defer done()
	var a lsapi.Attributes
	err := c.withARN(ctx, pool, func(arn string) error {
		out, err := c.describeAttributes(ctx, &elbv2.DescribeTargetGroupAttributesInput{TargetGroupArn: &arn})
		if err != nil {
			return cloud.Coded(ctx, err)
		}
		for _, attribute := range out.Attributes {
			value := aws.ToString(attribute.Value)
			switch aws.ToString(attribute.Key) {
			case attributeCrossZone:
				a.CrossZone = value == "true"
			case attributeDelay:
				delay, err := strconv.Atoi(value)
				if err != nil {
					return &lsapi.Error{Code: lsapi.CodeUpstream, Err: err}
				}
				a.Draining, a.DrainingTimeout = delay > 0, time.Duration(delay)*time.Second
			}
		}
		return nil
	})
	return a, err
}

// Tags returns the tags of each group by one DescribeTags for each 20.
//
// CodeNotFound: one of them does not exist. Other errors: see cloud.Coded.
func (c *Client) Tags(ctx context.Context, pools []lsapi.PoolID) (map[lsapi.PoolID]map[string]string, error) {
	ctx, done := c.priority.Begin(ctx)
	defer done()
	all := make(map[lsapi.PoolID]map[string]string, len(pools))
	for some := range slices.Chunk(pools, maxNamed) {
		err := c.withARNs(ctx, some, func(arns []string) error {
			out, err := c.describeTags(ctx, &elbv2.DescribeTagsInput{ResourceArns: arns})
			if err != nil {
				return cloud.Coded(ctx, err)
			}
			for _, d := range out.TagDescriptions {
				i := slices.Index(arns, aws.ToString(d.ResourceArn))
				if i < 0 {
					continue
				}
				tags := make(map[string]string, len(d.Tags))
				for _, tag := range d.Tags {
					tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
				}
				all[some[i]] = tags
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}
