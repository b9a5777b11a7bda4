package classic

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"

	"lsapi"
	"lsapi/internal/cloud"
)

// maxTagged is how many load balancers one DescribeTags may name.
const maxTagged = 20

// Attributes returns a load balancer's attributes, by one DescribeLoadBalancerAttributes.
//
// CodeNotFound: there is no such load balancer. Other errors: see cloud.Coded.
func (c *Client) Attributes(ctx context.Context, pool lsapi.PoolID) (lsapi.Attributes, error) {
	ctx, done := c.priority.Begin(ctx)
	defer done()
	out, err := c.describeAttributes(ctx, &elb.DescribeLoadBalancerAttributesInput{LoadBalancerName: aws.String(pool.Name)})
	if err != nil {
		return lsapi.Attributes{}, cloud.Coded(ctx, err)
	}
	var a lsapi.Attributes
	if all := out.LoadBalancerAttributes; all != nil {
		if draining := all.ConnectionDraining; draining != nil {
			a.Draining, a.DrainingTimeout = draining.Enabled, seconds(draining.Timeout)
		}
		if cross := all.CrossZoneLoadBalancing; cross != nil {
			a.CrossZone = cross.Enabled
		}
		if settings := all.ConnectionSettings; settings != nil {
			a.IdleTimeout = seconds(settings.IdleTimeout)
		}
	}
	return a, nil
}

// Tags returns the tags of each load balancer by one DescribeTags for each 20.
//
// CodeNotFound: one of them does not exist. Other errors: see cloud.Coded.
func (c *Client) Tags(ctx context.Context, pools []lsapi.PoolID) (map[lsapi.PoolID]map[string]string, error) {
	ctx, done := c.priority.Begin(ctx)
	defer done()
	all := make(map[lsapi.PoolID]map[string]string, len(pools))
	for some := range slices.Chunk(pools, maxTagged) {
		names := make([]string, len(some))
		for i, pool := range some {
			names[i] = pool.Name
		}
		out, err := c.describeTags(ctx, &elb.DescribeTagsInput{LoadBalancerNames: names})
		if err != nil {
			return nil, cloud.Coded(ctx, err)
		}
		for _, d := range out.TagDescriptions {
			tags := make(map[string]string, len(d.Tags))
			for _, tag := range d.Tags {
				tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
			}
			all[lsapi.ELB(aws.ToString(d.LoadBalancerName))] = tags
		}
	}
	return all, nil
}

func newDescription(d elbtypes.LoadBalancerDescription) *lsapi.Description {
	result := &lsapi.Description{
		TargetType: lsapi.TargetInstance,
		DNSName:    aws.ToString(d.DNSName),
		Scheme:     aws.ToString(d.Scheme),
		VPCID:      aws.ToString(d.VPCId),
		Zones:      slices.Sorted(slices.Values(d.AvailabilityZones)),
		CreatedAt:  aws.ToTime(d.CreatedTime).UTC(),
	}
	for _, l := range d.ListenerDescriptions {
		if l.Listener != nil {
			result.Listeners = append(result.Listeners, newListener(*l.Listener))
		}
	}
	if check := d.HealthCheck; check != nil {
		result.HealthCheck = lsapi.HealthCheck{
			Target:             aws.ToString(check.Target),
			Interval:           seconds(check.Interval),
			Timeout:            seconds(check.Timeout),
			UnhealthyThreshold: int(aws.ToInt32(check.UnhealthyThreshold)),
			HealthyThreshold:   int(aws.ToInt32(check.HealthyThreshold)),
		}
	}
	return result
}

func newListener(l elbtypes.Listener) lsapi.Listener {
	return lsapi.Listener{
		Protocol:         aws.ToString(l.Protocol),
		Port:             int(l.LoadBalancerPort),
		InstanceProtocol: aws.ToString(l.InstanceProtocol),
		InstancePort:     int(aws.ToInt32(l.InstancePort)),
		Certificate:      aws.ToString(l.SSLCertificateId),
	}
}

func seconds(n *int32) time.Duration { return time.Duration(aws.ToInt32(n)) * time.Second }

// Routes returns none: listeners of a Classic load balancer are in its description.
func (c *Client) Routes(context.Context, lsapi.PoolID) ([]lsapi.Route, error) { return nil, nil }
