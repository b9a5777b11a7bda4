// Package cloud calls the Classic ELB and EC2 APIs through the AWS SDK, and converts
// between the SDK's types and lsapi's. No SDK type leaves it.
package cloud

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	"github.com/aws/smithy-go/middleware"

	"lsapi"
	"lsapi/internal/clock"
	"lsapi/internal/cloud/budget"
)

// Options configure a Client.
type Options struct {
	// Region is the AWS region, such as "us-east-1".
	Region string
	// Endpoint is the URL of an emulator or a gateway, whatever the environment says. Default:
	// AWS, or AWS_ENDPOINT_URL.
	Endpoint string
	// Budget limits the attempts of all calls. Default: no limit.
	Budget *budget.Budget
	// Observe is called after every call. Default: none.
	Observe func(Call)
	// ObserveDate receives the Date header of every response. Default: none.
	ObserveDate func(clock.Reading)
	// Log receives the SDK's log. Default: none.
	Log *slog.Logger
}

// Client calls AWS with a priority. A call, retries included, is bounded by its context,
// and listings and lookups by a timeout for each page too. It is safe for concurrent use.
//
// The operations are function values: a field with an SDK client would keep its several
// hundred operations in the binary.
type Client struct {
	level       budget.Level
	raiseAfter  time.Duration // see ForRefreshes; 0: never
	credentials aws.CredentialsProvider
	pools       *pageCache[lsapi.Pool]
	instances   *pageCache[lsapi.Instance]

	describeLoadBalancers func(context.Context, *elb.DescribeLoadBalancersInput, ...func(*elb.Options)) (*elb.DescribeLoadBalancersOutput, error)
	register              func(context.Context, *elb.RegisterInstancesWithLoadBalancerInput, ...func(*elb.Options)) (*elb.RegisterInstancesWithLoadBalancerOutput, error)
	describeHealth        func(context.Context, *elb.DescribeInstanceHealthInput, ...func(*elb.Options)) (*elb.DescribeInstanceHealthOutput, error)
	describeAttributes    func(context.Context, *elb.DescribeLoadBalancerAttributesInput, ...func(*elb.Options)) (*elb.DescribeLoadBalancerAttributesOutput, error)
	describeTags          func(context.Context, *elb.DescribeTagsInput, ...func(*elb.Options)) (*elb.DescribeTagsOutput, error)
	deregister            func(context.Context, *elb.DeregisterInstancesFromLoadBalancerInput, ...func(*elb.Options)) (*elb.DeregisterInstancesFromLoadBalancerOutput, error)
	describeInstances     func(context.Context, *ec2.DescribeInstancesInput, ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error)
}

// New returns a Client with the priority Foreground. It uses the SDK's default chain of
// credentials. It makes no call; the first call reports missing credentials.
func New(ctx context.Context, o Options) (*Client, error) {
	stack := []func(*middleware.Stack) error{addPageLookup, addAttemptGate}
	if o.Observe != nil {
		stack = append(stack, observer{o.Observe}.addTo)
	}
	if o.Budget != nil {
		stack = append(stack, o.Budget.AddTo) // last, so that the others run after the wait
	}
	options := []func(*config.LoadOptions) error{
		config.WithRegion(o.Region),
		config.WithRetryer(newRetryer),
		config.WithAPIOptions(stack),
		config.WithLogger(sdkLogger{o.Log}),
	}
	if o.Endpoint != "" {
		options = append(options, config.WithBaseEndpoint(o.Endpoint))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("load the AWS configuration: %w", err)
	}
	if o.Endpoint != "" { // again, because AWS_IGNORE_CONFIGURED_ENDPOINT_URLS has removed it
		cfg.BaseEndpoint = aws.String(o.Endpoint)
	}
	cfg.Credentials = credentialsProvider{cfg.Credentials}
	if cfg.HTTPClient == nil { // it is set with AWS_CA_BUNDLE
		cfg.HTTPClient = awshttp.NewBuildableClient()
	}
	cfg.HTTPClient = bufferedRequests{cfg.HTTPClient}
	if o.ObserveDate != nil {
		cfg.HTTPClient = dateObserver{cfg.HTTPClient, o.ObserveDate}
	}

	balancing, compute := elb.NewFromConfig(cfg), ec2.NewFromConfig(cfg)
	return &Client{
		level:                 budget.Foreground,
		credentials:           cfg.Credentials,
		pools:                 &pageCache[lsapi.Pool]{element: "LoadBalancerDescriptions"},
		instances:             &pageCache[lsapi.Instance]{element: "reservationSet"},
		describeLoadBalancers: balancing.DescribeLoadBalancers,
		describeHealth:        balancing.DescribeInstanceHealth,
		describeAttributes:    balancing.DescribeLoadBalancerAttributes,
		describeTags:          balancing.DescribeTags,
		register:              balancing.RegisterInstancesWithLoadBalancer,
		deregister:            balancing.DeregisterInstancesFromLoadBalancer,
		describeInstances:     compute.DescribeInstances,
	}, nil
}

// For returns a Client with another priority.
func (c *Client) For(level budget.Level) *Client {
	other := *c
	other.level, other.raiseAfter = level, 0
	return &other
}

// ForRefreshes returns a Client for calls in the background. A call that takes longer than
// raiseAfter is raised to Foreground: otherwise, continuous fresh reads could keep
// everything else from being refreshed.
func (c *Client) ForRefreshes(raiseAfter time.Duration) *Client {
	other := c.For(budget.Background)
	other.raiseAfter = raiseAfter
	return other
}

// begin returns the context of a call with the Client's priority. The caller calls done
// after the call.
func (c *Client) begin(ctx context.Context) (_ context.Context, done func()) {
	priority := budget.NewPriority(c.level)
	ctx = priority.Context(ctx)
	if c.raiseAfter == 0 {
		return ctx, func() {}
	}
	timer := time.AfterFunc(c.raiseAfter, func() { priority.Raise(budget.Foreground) })
	return ctx, func() { timer.Stop() }
}

// newRetryer returns the SDK's standard retryer with two changes. It has no retry quota: a
// quota used up by throttling would fail unrelated calls at their next transient error.
// And it retries DependencyThrottle, which Classic ELB returns if a service behind it
// throttles.
func newRetryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.RateLimiter = ratelimit.None
		codes := map[string]struct{}{dependencyThrottle: {}}
		o.Retryables = append(o.Retryables, retry.RetryableErrorCode{Codes: codes})
		o.Throttles = append(o.Throttles, retry.ThrottleErrorCode{Codes: codes})
	})
}
