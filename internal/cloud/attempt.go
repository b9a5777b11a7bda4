package cloud

import (
	"context"
	"errors"
	"net/http/httptrace"
	"sync/atomic"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"lsapi"
)

// change makes a call that changes a membership and marks its error as ambiguous
// when any of its attempts may have taken effect. The last attempt's error does
// not tell: a first attempt may have been carried out and cut off, and the
// second be refused.
func change(ctx context.Context, permit lsapi.BeforeAttempt, call func(context.Context) (middleware.Metadata, error)) (awsRequestID string, err error) {
	attempts := &changing{permit: permit}
	answer, err := call(context.WithValue(ctx, changingKey{}, attempts))
	if err == nil {
		awsRequestID, _ = awsmiddleware.GetRequestIDMetadata(answer)
		return awsRequestID, nil
	}
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		awsRequestID = response.ServiceRequestID()
	}
	if statusOf(err)/100 == 2 {
		// A 2xx settles it, even when the rest of the answer could not be read.
		return awsRequestID, nil
	}
	result := coded(ctx, err)
	result.Ambiguous = attempts.open.Load()
	return awsRequestID, result
}

// changing is what the attempts of a call that changes something share.
type changing struct {
	permit lsapi.BeforeAttempt // nil permits all
	open   atomic.Bool         // one of them may have taken effect
}

// changingKey finds the changing of the call that an attempt belongs to.
type changingKey struct{}

// addAttemptObserver puts observeAttempt inside the SDK's retry loop.
func addAttemptObserver(stack *middleware.Stack) error {
	observer := middleware.FinalizeMiddlewareFunc("lsapi:ObserveAttempt", observeAttempt)
	return stack.Finalize.Insert(observer, "Retry", middleware.After)
}

// observeAttempt asks for permission, and notes whether an attempt that failed may
// have taken effect. It is the innermost of what surrounds an attempt: whatever
// an attempt waits for, it has waited for.
func observeAttempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	change, ok := ctx.Value(changingKey{}).(*changing)
	if !ok {
		return next.HandleFinalize(ctx, in)
	}
	ctx, cancel, err := change.permitted(ctx)
	if err != nil {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, err
	}
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	out, metadata, err := next.HandleFinalize(ctx, in)
	if err != nil && connected.Load() && !refused(err) {
		change.open.Store(true)
	}
	return out, metadata, err
}

// permitted returns the context of an attempt that may be made.
func (c *changing) permitted(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if c.permit == nil {
		return ctx, func() {}, nil
	}
	until, err := c.permit(ctx)
	if err != nil {
		return nil, nil, err
	}
	if until.IsZero() {
		return ctx, func() {}, nil
	}
	ctx, cancel := context.WithDeadline(ctx, until)
	return ctx, cancel, nil
}

// refused reports whether the call was declined: a 4xx. A 5xx can come from a
// machine in front of the one that carries the call out, and no answer at all
// says nothing.
func refused(err error) bool { return statusOf(err)/100 == 4 }

// statusOf returns the HTTP status that AWS answered with, 0 without an answer.
func statusOf(err error) int {
	if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return response.HTTPStatusCode()
	}
	return 0
}
