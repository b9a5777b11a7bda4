package cloud

import (
	"context"
	"sync/atomic"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"

	"lsapi"
)

// Operations returns AWS's names of the operations that a Client calls.
func Operations() []string {
	return []string{
		"DescribeLoadBalancers", "DescribeInstanceHealth", "DescribeLoadBalancerAttributes", "DescribeTags",
		"RegisterInstancesWithLoadBalancer", "DeregisterInstancesFromLoadBalancer", "DescribeInstances",
	}
}

// Call is a finished call to AWS.
type Call struct {
	Operation string
	Code      lsapi.Code // of the error; empty for success
	Attempts  int        // that were sent
	Took      time.Duration
}

// observer passes every call to observe.
type observer struct{ observe func(Call) }

// addTo adds the middleware around the call, and the counter of its attempts.
func (o observer) addTo(stack *middleware.Stack) error {
	call := middleware.InitializeMiddlewareFunc("lsapi:ObserveCall", o.call)
	if err := stack.Initialize.Add(call, middleware.Before); err != nil {
		return err
	}
	attempt := middleware.FinalizeMiddlewareFunc("lsapi:CountAttempt", countAttempt)
	return stack.Finalize.Insert(attempt, "Retry", middleware.After)
}

func (o observer) call(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	var attempts atomic.Int32
	began := time.Now()
	out, metadata, err := next.HandleInitialize(context.WithValue(ctx, attemptCountKey{}, &attempts), in)
	call := Call{Operation: awsmiddleware.GetOperationName(ctx), Attempts: int(attempts.Load()), Took: time.Since(began)}
	if err != nil {
		call.Code = coded(ctx, err).Code
	}
	o.observe(call)
	return out, metadata, err
}

func countAttempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	if attempts, ok := ctx.Value(attemptCountKey{}).(*atomic.Int32); ok {
		attempts.Add(1)
	}
	return next.HandleFinalize(ctx, in)
}

type attemptCountKey struct{}
