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
)

// change makes a call that changes a membership and marks its error as ambiguous
// when any of its attempts may have taken effect. The last attempt's error does
// not tell: a first attempt may have been carried out and cut off, and the
// second be refused.
func change(ctx context.Context, call func(context.Context) (middleware.Metadata, error)) (awsRequestID string, err error) {
	var open atomic.Bool
	answer, err := call(context.WithValue(ctx, openKey{}, &open))
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
	result.Ambiguous = open.Load()
	return awsRequestID, result
}

// openKey finds the flag of the change that an attempt belongs to.
type openKey struct{}

// addAttemptObserver puts observeAttempt inside the SDK's retry loop.
func addAttemptObserver(stack *middleware.Stack) error {
	observer := middleware.FinalizeMiddlewareFunc("lsapi:ObserveAttempt", observeAttempt)
	return stack.Finalize.Insert(observer, "Retry", middleware.After)
}

// observeAttempt notes whether an attempt that failed may have taken effect.
func observeAttempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	open, ok := ctx.Value(openKey{}).(*atomic.Bool)
	if !ok {
		return next.HandleFinalize(ctx, in)
	}
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	out, metadata, err := next.HandleFinalize(ctx, in)
	if err != nil && connected.Load() && !refused(err) {
		open.Store(true)
	}
	return out, metadata, err
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
