package budget_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	"github.com/aws/smithy-go/middleware"

	"lsapi/internal/cloud/budget"
)

// account is an AWS account without a network, which a synctest bubble requires. The real
// SDK calls it through the budget under test.
type account struct {
	budget *budget.Budget
	elb    *elb.Client
	start  time.Time
	// answer returns the status and the error code of an attempt; nil is 200.
	answer func(attempt) (status int, code string)

	mu   sync.Mutex
	sent []attempt
}

// attempt is a request that reached AWS.
type attempt struct {
	call string        // the name of its call
	at   time.Duration // since the account's start
	// signed is the time of its signature.
	signed time.Duration
}

func newAccount(t *testing.T, sizes budget.Sizes) *account {
	t.Helper()
	b := budget.New(sizes)
	a := &account{budget: b, start: time.Now()}
	a.elb = newELB(b, func(o *elb.Options) { o.HTTPClient = a })
	return a
}

// newELB returns the SDK's client with the retry that the service uses.
func newELB(b *budget.Budget, option func(*elb.Options)) *elb.Client {
	return elb.New(elb.Options{
		Region:      "us-east-1",
		Credentials: aws.CredentialsProviderFunc(credentials),
		Retryer:     retry.NewStandard(func(o *retry.StandardOptions) { o.RateLimiter = ratelimit.None }),
		APIOptions:  []func(*middleware.Stack) error{b.AddTo},
	}, option)
}

func credentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
}

// Do is the transport of the SDK's client.
func (a *account) Do(r *http.Request) (*http.Response, error) {
	call, _ := r.Context().Value(callKey{}).(string)
	signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	sent := attempt{call: call, at: time.Since(a.start), signed: signed.Sub(a.start)}
	a.sent = append(a.sent, sent)
	a.mu.Unlock()

	status, body := http.StatusOK, fmt.Sprintf("<%[1]sResponse><%[1]sResult/></%[1]sResponse>", r.FormValue("Action"))
	if a.answer != nil {
		if failure, code := a.answer(sent); failure != 0 {
			status, body = failure, fmt.Sprintf(`<ErrorResponse><Error><Code>%s</Code></Error></ErrorResponse>`, code)
		}
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// read makes a named call of the category ELBRead.
func (a *account) read(ctx context.Context, call string) error {
	_, err := a.elb.DescribeLoadBalancers(context.WithValue(ctx, callKey{}, call), nil)
	return err
}

// write makes a named call of the category ELBWrite.
func (a *account) write(ctx context.Context, call string) error {
	_, err := a.elb.DeleteLoadBalancer(context.WithValue(ctx, callKey{}, call), deletion)
	return err
}

var deletion = &elb.DeleteLoadBalancerInput{LoadBalancerName: aws.String("web")}

type callKey struct{}

func (a *account) attempts() []attempt {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sent
}

// order returns the calls in the order in which their attempts reached AWS.
func (a *account) order() string {
	var calls []string
	for _, sent := range a.attempts() {
		calls = append(calls, sent.call)
	}
	return strings.Join(calls, " ")
}

func (a *account) stats(t *testing.T, category budget.Category) budget.Stats {
	t.Helper()
	return statsOf(t, a.budget, category)
}

func statsOf(t *testing.T, b *budget.Budget, category budget.Category) budget.Stats {
	t.Helper()
	for _, stats := range b.Stats() {
		if stats.Category == category {
			return stats
		}
	}
	t.Fatalf("there are no stats of %s", category)
	return budget.Stats{}
}

// at returns a context with a priority.
func at(ctx context.Context, level budget.Level) context.Context {
	return budget.NewPriority(level).Context(ctx)
}

// reads returns the sizes of the bucket that most tests use.
func reads(burst int, perSecond float64) budget.Sizes {
	return budget.Sizes{budget.ELBRead: {Burst: burst, PerSecond: perSecond}}
}
