package cloud

import (
	"context"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"

	"lsapi"
)

const (
	// poolsPage is the greatest PageSize of DescribeLoadBalancers.
	poolsPage = 400
	// instancesPage is the greatest MaxResults of DescribeInstances.
	instancesPage = 1000
	// pageTimeout bounds each page of a listing, retries included. It is shorter than a
	// client's timeout, so that a listing fails while readers still wait.
	pageTimeout = 10 * time.Second
)

// LoadBalancers lists the load balancers of the region by DescribeLoadBalancers, in pages of
// 400. It requests a page after the loop body has returned from the last. An error is the
// last pair.
func (c *Client) LoadBalancers(ctx context.Context) iter.Seq2[[]lsapi.Pool, error] {
	return listPages(ctx, c, c.pools, func(ctx context.Context, marker *string) ([]lsapi.Pool, *string, error) {
		out, err := c.describeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{
			Marker: marker, PageSize: aws.Int32(poolsPage),
		})
		if err != nil {
			return nil, nil, err
		}
		pools := make([]lsapi.Pool, len(out.LoadBalancerDescriptions))
		for i, description := range out.LoadBalancerDescriptions {
			pools[i] = lsapi.Pool{
				ID:          lsapi.ELB(aws.ToString(description.LoadBalancerName)),
				Members:     memberIDs(description.Instances),
				Description: newDescription(description),
			}
		}
		return pools, out.NextMarker, nil
	})
}

// AllInstances lists the instances of the region by DescribeInstances, in pages of at most
// 1,000.
func (c *Client) AllInstances(ctx context.Context) iter.Seq2[[]lsapi.Instance, error] {
	return listPages(ctx, c, c.instances, func(ctx context.Context, token *string) ([]lsapi.Instance, *string, error) {
		out, err := c.describeInstances(ctx, &ec2.DescribeInstancesInput{
			NextToken: token, MaxResults: aws.Int32(instancesPage),
		})
		if err != nil {
			return nil, nil, err
		}
		var instances []lsapi.Instance
		for _, reservation := range out.Reservations {
			for _, instance := range reservation.Instances {
				instances = append(instances, newInstance(instance))
			}
		}
		return instances, out.NextToken, nil
	})
}

// fetchPage returns the page of a token, nil for the first, and the token of the next.
type fetchPage[T any] func(ctx context.Context, token *string) (page []T, next *string, err error)

func listPages[T any](ctx context.Context, c *Client, cache *pageCache[T], fetch fetchPage[T]) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		ctx, done := c.begin(ctx)
		defer done()
		cache.begin()
		var token *string
		for {
			page, next, err := cachedPage(ctx, cache, token, fetch)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(page, nil) || aws.ToString(next) == "" {
				return
			}
			token = next
		}
	}
}

// cachedPage fetches a page through the cache, within pageTimeout.
func cachedPage[T any](ctx context.Context, cache *pageCache[T], token *string, fetch fetchPage[T]) (page []T, next *string, err error) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	page, err = cache.page(ctx, func(ctx context.Context) (page []T, err error) {
		page, next, err = fetch(ctx, token)
		return page, err
	})
	if err != nil {
		return nil, nil, coded(ctx, err)
	}
	return page, next, nil
}
