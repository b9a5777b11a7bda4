package budget

import (
	"context"
	"fmt"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
)

// MiddlewareID names the middleware that waits, in the SDK's Finalize step. What
// must be checked after the wait and before each attempt is inserted after it.
const MiddlewareID = "lsapi:Budget"

// AddTo makes the attempts of a call draw from the budget. It is an API option
// of the SDK (config.WithAPIOptions). Of several options that insert directly
// after the SDK's "Retry", the last one is the outermost: give AddTo last, and
// the others see attempts that have their token.
func (b *Budget) AddTo(stack *middleware.Stack) error {
	categorize := middleware.InitializeMiddlewareFunc("lsapi:BudgetCategory", categorize)
	if err := stack.Initialize.Add(categorize, middleware.After); err != nil {
		return fmt.Errorf("add the budget: %w", err)
	}
	// Inside the retry loop, so that retries draw too, and before the signing,
	// so that no signature grows old in the queue.
	attempt := middleware.FinalizeMiddlewareFunc(MiddlewareID, b.attempt)
	if err := stack.Finalize.Insert(attempt, "Retry", middleware.After); err != nil {
		return fmt.Errorf("add the budget: %w", err)
	}
	return nil
}

// categorize notes the category, for which it needs the input that later steps
// no longer have. The note is a stack value: the SDK drops those when a call
// makes another call, as one for credentials does.
func categorize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	category, ok := CategoryOf(awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx), in.Parameters)
	if ok {
		ctx = middleware.WithStackValue(ctx, categoryKey{}, category)
	}
	return next.HandleInitialize(ctx, in)
}

type categoryKey struct{}

// attempt lets one attempt of a call go on when it has its token.
func (b *Budget) attempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	category, ok := middleware.GetStackValue(ctx, categoryKey{}).(Category)
	if !ok {
		return next.HandleFinalize(ctx, in)
	}
	bucket := b.buckets[category]
	if err := bucket.take(ctx); err != nil {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, err
	}
	out, metadata, err := next.HandleFinalize(ctx, in)
	if throttled(err) {
		bucket.drain()
	}
	return out, metadata, err
}

// throttled reports whether AWS said that the account's bucket is empty. Classic
// ELB's DependencyThrottle is not that: there a service behind it is short.
func throttled(err error) bool {
	return err != nil && retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool()
}
