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

// Change makes a call that changes a membership, and returns AWS's id of the last attempt
// with a response. It calls before, which may be nil, before each attempt.
//
// Its error is ambiguous if any attempt may have taken effect. The last attempt's error
// does not show that: AWS may have carried out a first attempt without a response, and then
// rejected the second.
func Change(ctx context.Context, before lsapi.BeforeAttempt, call func(context.Context) (middleware.Metadata, error)) (awsRequestID string, err error) {
	attempts := &attempts{before: before}
	metadata, err := call(context.WithValue(ctx, attemptsKey{}, attempts))
	if err == nil {
		awsRequestID, _ = awsmiddleware.GetRequestIDMetadata(metadata)
		return awsRequestID, nil
	}
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		awsRequestID = response.ServiceRequestID()
	}
	if statusOf(err)/100 == 2 {
		return awsRequestID, nil // AWS made the change, even if the body could not be read
	}
	result := Coded(ctx, err)
	result.Ambiguous = attempts.ambiguous.Load()
	return awsRequestID, result
}

// attempts is the shared state of the attempts of a change.
type attempts struct {
	before    lsapi.BeforeAttempt // may be nil
	ambiguous atomic.Bool         // an attempt may have taken effect
}

type attemptsKey struct{}

// addAttemptGate adds gateAttempt inside the SDK's retry loop.
func addAttemptGate(stack *middleware.Stack) error {
	gate := middleware.FinalizeMiddlewareFunc("lsapi:GateAttempt", gateAttempt)
	return stack.Finalize.Insert(gate, "Retry", middleware.After)
}

// gateAttempt calls BeforeAttempt, and records whether a failed attempt may have taken
// effect. It is the innermost middleware of an attempt, so that it runs after every wait.
func gateAttempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	attempts, ok := ctx.Value(attemptsKey{}).(*attempts)
	if !ok {
		return next.HandleFinalize(ctx, in)
	}
	if attempts.before != nil {
		until, err := attempts.before(ctx)
		if err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, err
		}
		if !until.IsZero() {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, until)
			defer cancel()
		}
	}
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	out, metadata, err := next.HandleFinalize(ctx, in)
	if err != nil && connected.Load() && !isRejected(err) {
		attempts.ambiguous.Store(true)
	}
	return out, metadata, err
}

// isRejected reports whether AWS rejected the call, with a 4xx. A 5xx may come from a proxy
// in front of the server that carried out the call.
func isRejected(err error) bool { return statusOf(err)/100 == 4 }

// statusOf returns the HTTP status of AWS's response, 0 without a response.
func statusOf(err error) int {
	if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return response.HTTPStatusCode()
	}
	return 0
}
