package cloud

import (
	"context"
	"sync/atomic"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"

	"lsapi"
)

// Call is a call to AWS that has ended.
type Call struct {
	// Operation is AWS's name for it, such as "DescribeLoadBalancers".
	Operation string
	// Code is the error's; empty when it succeeded.
	Code lsapi.Code
	// Attempts counts those that were sent: 0 when none got its token in time.
	Attempts int
	// Took is how long the call took, its retries and its waits included.
	Took time.Duration
}

// observer tells of every call.
type observer struct{ tell func(Call) }

// addTo puts one end of the observer around the call, the other around each of
// its attempts.
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
	out, metadata, err := next.HandleInitialize(context.WithValue(ctx, attemptsKey{}, &attempts), in)
	call := Call{Operation: awsmiddleware.GetOperationName(ctx), Attempts: int(attempts.Load()), Took: time.Since(began)}
	if err != nil {
		call.Code = coded(ctx, err).Code
	}
	o.tell(call)
	return out, metadata, err
}

func countAttempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	if attempts, ok := ctx.Value(attemptsKey{}).(*atomic.Int32); ok {
		attempts.Add(1)
	}
	return next.HandleFinalize(ctx, in)
}

// attemptsKey finds the counter of the call that an attempt belongs to.
type attemptsKey struct{}
