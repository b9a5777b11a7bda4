package emulator

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"lsapi/internal/emulator/fleet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testAccount is an emulator that listens, with the real SDK's clients for it.
type testAccount struct {
	*Emulator
	clock *ManualClock
	url   string
	elb   *elb.Client
	elbv2 *elasticloadbalancingv2.Client
	ec2   *ec2.Client
	sts   *sts.Client
}

// start returns an emulator on a loopback port with a clock that stands still
// until the test moves it.
func start(t *testing.T, o Options) *testAccount {
	t.Helper()
	clock := NewManualClock(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC))
	if o.Clock == nil {
		o.Clock = clock
	}
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	config := aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(server.URL),
		HTTPClient:   &http.Client{Transport: wholeRequests{server.Client().Transport}},
		Credentials: aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	return &testAccount{
		e, clock, server.URL, elb.NewFromConfig(config), elasticloadbalancingv2.NewFromConfig(config),
		ec2.NewFromConfig(config), sts.NewFromConfig(config),
	}
}

// wholeRequests sends a request's head and body in one write. The SDK's own body
// is of a type that net/http sends after the head, and that fails the connection
// when the SDK closes it before net/http has seen its end, which an answer as
// quick as the emulator's provokes now and then.
type wholeRequests struct{ http.RoundTripper }

func (t wholeRequests) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return t.RoundTripper.RoundTrip(r)
}

// demo returns an account with the demo fleet.
func demo(t *testing.T) *testAccount {
	t.Helper()
	return start(t, Options{Fleet: mustFleet(t, "demo")})
}

func mustFleet(t *testing.T, spec string) fleet.Fleet {
	t.Helper()
	f, err := fleet.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The demo fleet's instances.
const (
	demoMember     = "i-0592fe5ccee879f04"
	demoServing    = "i-0a11ce0000000ab01"
	demoFailing    = "i-0a11ce0000000ab02"
	demoStopped    = "i-0a11ce0000000ab03"
	demoRegisters  = "i-0a11ce0000000ab04"
	demoScaled     = "i-0a11ce0000000ab05"
	demoSpare      = "i-0bee000000000cd01"
	demoSpare2     = "i-0bee000000000cd02"
	demoOldSpare   = "i-5203422c"
	demoIdle       = "i-0bee000000000cd03"
	demoTerminated = "i-0bee000000000cd04"
	demoGone       = "i-0bee000000000cd05"
)

// wantCode fails the test unless err is AWS's error with that code and message.
// An empty message is any.
func wantCode(t *testing.T, err error, code, message string) {
	t.Helper()
	apiErr, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("error %v, want AWS's %s", err, code)
	}
	if apiErr.ErrorCode() != code || message != "" && apiErr.ErrorMessage() != message {
		t.Errorf("error %s: %q, want %s: %q", apiErr.ErrorCode(), apiErr.ErrorMessage(), code, message)
	}
}

// must returns a function that takes a call's results and returns its value.
func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
