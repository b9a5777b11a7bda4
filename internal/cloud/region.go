package cloud

import (
	"context"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"

	"lsapi"
)

const (
	// loadBalancersPage is the most load balancers of one page (PageSize).
	loadBalancersPage = 400
	// instancesPage is the most instances of one page (MaxResults).
	instancesPage = 1000
	// pageTimeout bounds each page of a listing, its retries included. It is
	// shorter than a client's patience, so that a listing that hangs is known to
	// have failed while readers still wait.
	pageTimeout = 10 * time.Second
)

// LoadBalancers lists the load balancers of the region page by page, by one
// DescribeLoadBalancers for each 400. A page is asked for when the one before
// has been dealt with. An error is the last pair.
func (c *Client) LoadBalancers(ctx context.Context) iter.Seq2[[]lsapi.Pool, error] {
	c.loadBalancers.begin()
	return pages(ctx, func(ctx context.Context, marker *string) (page []lsapi.Pool, next *string, err error) {
		page, err = c.loadBalancers.page(ctx, func(ctx context.Context) ([]lsapi.Pool, error) {
			out, err := c.describeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{
				Marker: marker, PageSize: aws.Int32(loadBalancersPage),
			})
			if err != nil {
				return nil, err
			}
			next = out.NextMarker
			return fromELB(out.LoadBalancerDescriptions), nil
		})
		return page, next, err
	})
}

func fromELB(descriptions []elbtypes.LoadBalancerDescription) []lsapi.Pool {
	loadBalancers := make([]lsapi.Pool, len(descriptions))
	for i, description := range descriptions {
		loadBalancers[i] = lsapi.Pool{
			Name:        aws.ToString(description.LoadBalancerName),
			Members:     instanceIDs(description.Instances),
			Description: described(description),
		}
	}
	return loadBalancers
}

// AllInstances lists the instances of the region page by page, by one
// DescribeInstances for each 1,000 or fewer: AWS may return short pages.
func (c *Client) AllInstances(ctx context.Context) iter.Seq2[[]lsapi.Instance, error] {
	c.instances.begin()
	return pages(ctx, func(ctx context.Context, token *string) (page []lsapi.Instance, next *string, err error) {
		page, err = c.instances.page(ctx, func(ctx context.Context) ([]lsapi.Instance, error) {
			out, err := c.describeInstances(ctx, &ec2.DescribeInstancesInput{
				NextToken: token, MaxResults: aws.Int32(instancesPage),
			})
			if err != nil {
				return nil, err
			}
			next = out.NextToken
			return fromReservations(out.Reservations), nil
		})
		return page, next, err
	})
}

func fromReservations(reservations []ec2types.Reservation) []lsapi.Instance {
	var instances []lsapi.Instance
	for _, reservation := range reservations {
		for _, instance := range reservation.Instances {
			instances = append(instances, fromEC2(instance))
		}
	}
	return instances
}

// pages follows a listing from its first page to its last, which names no next.
func pages[T any](ctx context.Context, ask func(ctx context.Context, token *string) (page []T, next *string, err error)) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		var token *string
		for {
			page, next, err := askPage(ctx, token, ask)
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

// askPage asks for one page within pageTimeout.
func askPage[T any](ctx context.Context, token *string, ask func(context.Context, *string) ([]T, *string, error)) ([]T, *string, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	page, next, err := ask(ctx, token)
	if err != nil {
		return nil, nil, coded(ctx, err)
	}
	return page, next, nil
}
