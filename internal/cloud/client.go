// Package cloud is where lsapi's vocabulary meets the AWS SDK. It asks the
// Classic ELB and EC2 APIs, and turns what they answer into instances and coded
// errors. No SDK type leaves it.
package cloud

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	"github.com/aws/smithy-go/middleware"

	"lsapi"
	"lsapi/internal/cloud/budget"
)

// Options say which AWS to ask.
type Options struct {
	// Region is the AWS region, such as "us-east-1".
	Region string
	// Endpoint is the URL of an emulator or a gateway. Empty asks AWS itself,
	// or what AWS_ENDPOINT_URL names.
	Endpoint string
	// Budget is what every attempt of every call draws from. Nil is no limit.
	Budget *budget.Budget
	// Observe is told of every call that has ended. Nil is nobody.
	Observe func(Call)
	// Log receives what the SDK logs. Default: none.
	Log *slog.Logger
	// ObserveDate receives the Date of every answer. Default: none.
	ObserveDate func(Date)
}

// Client asks AWS. Every call is bounded by its context alone, its retries
// included; a caller without a deadline waits as long as AWS makes it wait.
// A Client is safe for concurrent use.
//
// The operations are kept as function values and not behind the SDK's clients:
// a client held in a field keeps its several hundred operations in the binary.
type Client struct {
	credentials   aws.CredentialsProvider
	loadBalancers listing[lsapi.Pool]
	instances     listing[lsapi.Instance]

	describeLoadBalancers func(context.Context, *elb.DescribeLoadBalancersInput, ...func(*elb.Options)) (*elb.DescribeLoadBalancersOutput, error)
	register              func(context.Context, *elb.RegisterInstancesWithLoadBalancerInput, ...func(*elb.Options)) (*elb.RegisterInstancesWithLoadBalancerOutput, error)
	describeHealth        func(context.Context, *elb.DescribeInstanceHealthInput, ...func(*elb.Options)) (*elb.DescribeInstanceHealthOutput, error)
	describeAttributes    func(context.Context, *elb.DescribeLoadBalancerAttributesInput, ...func(*elb.Options)) (*elb.DescribeLoadBalancerAttributesOutput, error)
	describeTags          func(context.Context, *elb.DescribeTagsInput, ...func(*elb.Options)) (*elb.DescribeTagsOutput, error)
	deregister            func(context.Context, *elb.DeregisterInstancesFromLoadBalancerInput, ...func(*elb.Options)) (*elb.DeregisterInstancesFromLoadBalancerOutput, error)
	describeInstances     func(context.Context, *ec2.DescribeInstancesInput, ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error)
}

// New returns a Client that finds its credentials as every AWS tool does: from
// the environment, the shared files, or the machine's role. It asks AWS
// nothing; credentials that do not exist are told by the first call.
func New(ctx context.Context, o Options) (*Client, error) {
	stack := []func(*middleware.Stack) error{addRecognition, addAttemptObserver}
	if o.Observe != nil {
		stack = append(stack, observer{o.Observe}.addTo)
	}
	if o.Budget != nil {
		stack = append(stack, o.Budget.AddTo) // last: what is observed has its token
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
	cfg.Credentials = credentialsProvider{cfg.Credentials}
	if cfg.HTTPClient == nil { // it has one when AWS_CA_BUNDLE is set
		cfg.HTTPClient = awshttp.NewBuildableClient()
	}
	cfg.HTTPClient = wholeRequests{cfg.HTTPClient}
	if o.ObserveDate != nil {
		cfg.HTTPClient = dated{cfg.HTTPClient, o.ObserveDate}
	}

	balancing, compute := elb.NewFromConfig(cfg), ec2.NewFromConfig(cfg)
	return &Client{
		credentials:           cfg.Credentials,
		loadBalancers:         listing[lsapi.Pool]{element: "LoadBalancerDescriptions"},
		instances:             listing[lsapi.Instance]{element: "reservationSet"},
		describeLoadBalancers: balancing.DescribeLoadBalancers,
		describeHealth:        balancing.DescribeInstanceHealth,
		describeAttributes:    balancing.DescribeLoadBalancerAttributes,
		describeTags:          balancing.DescribeTags,
		register:              balancing.RegisterInstancesWithLoadBalancer,
		deregister:            balancing.DeregisterInstancesFromLoadBalancer,
		describeInstances:     compute.DescribeInstances,
	}, nil
}

// newRetryer is the SDK's standard retry with two differences: its retry quota
// is off, because a quota that throttling has drained turns the next transient
// fault of an unrelated call into an error; and it knows DependencyThrottle,
// which Classic ELB answers when a service behind it throttles.
func newRetryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.RateLimiter = ratelimit.None
		codes := map[string]struct{}{dependencyThrottle: {}}
		o.Retryables = append(o.Retryables, retry.RetryableErrorCode{Codes: codes})
		o.Throttles = append(o.Throttles, retry.ThrottleErrorCode{Codes: codes})
	})
}
