package cloud

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/smithy-go/middleware"

	"lsapi"
)

// Operation is an operation of AWS.
type Operation struct {
	// Service is "elb" for Classic ELB, "elbv2", "ec2", or the name of another service.
	Service string
	// Name is AWS's, such as "DescribeInstances".
	Name string
}

// Operations returns operations of a service.
func Operations(service string, names ...string) []Operation {
	all := make([]Operation, len(names))
	for i, name := range names {
		all[i] = Operation{service, name}
	}
	return all
}

// Call is a finished call to AWS.
type Call struct {
	Operation
	Code     lsapi.Code // of the error; empty for success
	Attempts int        // that were sent
	Took     time.Duration
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
	call := Call{Operation: operationOf(ctx), Attempts: int(attempts.Load()), Took: time.Since(began)}
	if err != nil {
		call.Code = Coded(ctx, err).Code
	}
	o.observe(call)
	return out, metadata, err
}

// operationOf returns the operation of the SDK's call with ctx.
func operationOf(ctx context.Context) Operation {
	service := awsmiddleware.GetServiceID(ctx)
	switch service {
	case elb.ServiceID:
		service = "elb"
	case elbv2.ServiceID:
		service = "elbv2"
	}
	return Operation{strings.ToLower(service), awsmiddleware.GetOperationName(ctx)}
}

func countAttempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	if attempts, ok := ctx.Value(attemptCountKey{}).(*atomic.Int32); ok {
		attempts.Add(1)
	}
	return next.HandleFinalize(ctx, in)
}

type attemptCountKey struct{}
