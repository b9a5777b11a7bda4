// Package cloud has what the adapters of all kinds of pools share: the configuration of the
// AWS SDK, the conversion of errors, and EC2. No SDK type leaves it and its adapters.
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
	"github.com/aws/smithy-go/middleware"

	"lsapi/internal/clock"
	"lsapi/internal/cloud/budget"
)

// Options configure the calls to an AWS account and region.
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

// Config is the configuration of the AWS SDK for the clients of an account and region.
//
// Clients keep the operations that they call as function values: a field with an SDK
// client would keep its several hundred operations in the binary.
type Config struct{ sdk aws.Config }

// Configure returns the Config of the options. It uses the SDK's default chain of
// credentials. It makes no call; the first call reports missing credentials.
func Configure(ctx context.Context, o Options) (Config, error) {
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
		return Config{}, fmt.Errorf("load the AWS configuration: %w", err)
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
	return Config{cfg}, nil
}

// SDK returns the SDK's form of the configuration.
func (c Config) SDK() aws.Config { return c.sdk }

// CheckCredentials returns an error if no credentials are found. It does not check whether
// AWS accepts them.
func (c Config) CheckCredentials(ctx context.Context) error {
	_, err := c.sdk.Credentials.Retrieve(ctx)
	return err
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
